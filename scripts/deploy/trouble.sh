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
  [[ -z $waiting ]] || kill "$waiting" 2>/dev/null
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
