# shellcheck shell=bash
# What the cluster says about a shop that does not come up. Part of deploy.sh and of deliveries.
# shellcheck disable=SC2154 # variables are set in one file and used in another

# The events and logs that say why.
explain() {
  complain ""
  complain "What the cluster says:"
  in_shop get pods --output wide >&2
  complain ""
  complain "Warnings, the latest last:"
  in_shop get events --field-selector type=Warning --sort-by=.metadata.creationTimestamp 2>&1 | tail -n 25 >&2
  local pod
  for pod in $(unready_pods | head -n 5); do explain_pod "$pod"; done
}

# Pods that neither finished nor are ready.
unready_pods() {
  in_shop get pods --selector "$part_of" --output \
    'jsonpath={range .items[*]}{.metadata.name} {.status.phase} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
    awk '$2 != "Succeeded" && $3 != "True" { print $1 }'
}

explain_pod() {
  complain ""
  complain "Pod $1:"
  in_shop describe pod "$1" 2>&1 | tail -n 30 >&2
  complain ""
  complain "Its log:"
  in_shop logs "$1" --all-containers --tail=30 >&2
  # Of the run before, if it was started again; there need not be one.
  local before
  before=$(in_shop logs "$1" --all-containers --previous --tail=30 2>/dev/null)
  [[ -n $before ]] && complain "Its log before it was started again:" && complain "$before"
}
