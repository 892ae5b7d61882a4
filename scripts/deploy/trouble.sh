# shellcheck shell=bash
# What happens when something fails: explain it, put back what was there. Part of deploy.sh.
# shellcheck disable=SC2154 # variables are set in one file and used in another

# Set once the cluster may have been changed; whether a shop was there before.
changed=0
update=0

# Runs at every end of the script.
leave() {
  local status=$1
  trap - EXIT
  set +e
  stop_forwarding
  if ((status == 130 || status == 143)); then
    complain ""
    complain "Stopped (while: $doing). Nothing is undone: run it again to go on, or kubectl rollout undo."
  elif ((status != 0)); then
    complain "       (while: $doing)"
    if ((changed)); then
      explain
      undo
    fi
  fi
  rm -rf "$work"
  exit "$status"
}

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

# Puts back what was applied before. Migrations need not be undone: the version before works with
# the schema of the next. A first installation has nothing to go back to and is left to be looked at.
undo() {
  complain ""
  if ! ((update)); then
    complain "This was a first installation: it is left as it is, to be looked at."
    complain "Run ./deploy.sh again when it is mended; ./deploy.sh -c $cluster --overlay $overlay --cleanup-only removes it."
    return
  fi
  complain "Putting back what was there before."
  if ! kube apply --filename "$work/before.yaml" >&2; then
    undo_rollouts
    return
  fi
  local name back=yes
  for name in $(kube get --filename "$work/before.yaml" --output name | sed -n 's#^deployment.apps/##p'); do
    in_shop rollout status "deployment/$name" --timeout="$timeout" >&2 || back=no
  done
  if [[ $back == yes ]]; then
    complain "The shop is as it was before."
  else
    complain "The old configuration is back, but not every rollout is done: kubectl --context $context --namespace $namespace get pods"
  fi
}

# Where the old configuration cannot be applied, each rollout is taken back by itself.
undo_rollouts() {
  local name
  complain "The old configuration cannot be applied; taking back each rollout."
  for name in $(names_of Deployment "$rendered"); do
    in_shop rollout undo "deployment/$name" >&2
  done
}
