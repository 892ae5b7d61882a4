#!/usr/bin/env bash
# Makes a fault in a cluster, looks whether what must hold holds and whether the right alert fires, and
# undoes it: scripts/chaos.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/chaos/faults.sh
source "$root/scripts/chaos/faults.sh"
# shellcheck source=scripts/chaos/look.sh
source "$root/scripts/chaos/look.sh"

usage() {
  cat <<'END'
Makes one fault in a cluster that runs the shop, for a while: looks every few seconds whether what must
hold while it lasts does hold, waits for the alert that should tell of it, and undoes it, whatever
happens meanwhile (Ctrl-C too). Not for a shop with customers, before it has gone well elsewhere.

Usage: scripts/chaos.sh --fault NAME [OPTIONS]

      --fault NAME      which: --list tells
      --list            the faults, what must hold meanwhile, how each is seen
      --context NAME    kubectl's context; the current one if none is named
      --namespace NAME  where the shop is: techcommerce (default)
      --for SECONDS     how long at most, instead of what the fault's alert needs
      --no-alert        do not look for the alert: there is no monitoring in the cluster
      --yes             do not ask first
      --dry-run         show what would be done, and do nothing
  -h, --help            this text

Ends with 0 if all held and the alert fired, with 1 if not. Needs bash, kubectl and curl; the alert is
read from the Prometheus of kube-prometheus-stack in the namespace monitoring.
END
}

fault="" context="" namespace=techcommerce lasts="" look_for_alert=1 confirmed=0
poll_seconds=${DEPLOY_POLL_SECONDS:-3}
work=""

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/chaos.sh --help says which."
}

read_arguments() {
  while (($#)); do
    case $1 in
      --fault) value "$@" && fault=$2 && shift ;;
      --context) value "$@" && context=$2 && shift ;;
      --namespace) value "$@" && namespace=$2 && shift ;;
      --for) value "$@" && lasts=$2 && shift ;;
      --list) list_faults && exit 0 ;;
      --no-alert) look_for_alert=0 ;;
      --yes) confirmed=1 ;;
      --dry-run) dry_run=1 ;;
      -h | --help) usage && exit 0 ;;
      *) fail "There is no option $1." "scripts/chaos.sh --help lists them." ;;
    esac
    shift
  done
  [[ -n $fault ]] || fail "--fault is needed." "scripts/chaos.sh --list tells which there are."
  known_fault "$fault" || fail "There is no fault $fault." "scripts/chaos.sh --list tells which there are."
  [[ -z $lasts || $lasts =~ ^[1-9][0-9]*$ ]] || fail "$lasts is no number of seconds." "As --for 300."
}

list_faults() {
  local name
  for name in "${faults[@]}"; do
    describe "$name"
    printf '%-18s %s\n%18s holds: %s\n%18s seen:  %s\n' "$name" "$what" "" "${holds_text:-nothing is promised}" "" "${alert:-no alert}"
  done
}

# Asked for once, for this is no place for slips.
confirm() {
  ((confirmed || dry_run)) && return
  [[ -t 0 ]] || fail "Nobody is there to ask." "--yes goes without."
  local word
  read -r -p "      Make the fault $fault in $namespace of $context? [y/N] " word
  [[ $word == [yY]* ]] || fail "Nothing was done."
}

# What the fault changed, put back; and no second time.
clean_up() {
  local status=$?
  trap - EXIT INT TERM
  stop_looking
  if [[ -n ${undo:-} ]]; then
    step "Undoing it"
    local command=$undo
    undo=""
    "$command" || { complain "warning: it is not all undone; see above."; status=1; }
  fi
  [[ -z $work ]] || rm -rf "$work"
  exit "$status"
}

main() {
  read_arguments "$@"
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  need curl "It asks the shop whether it holds."
  context=${context:-$(kubectl config current-context)} || fail "kubectl has no current context." "--context names one."
  describe "$fault"
  lasts=${lasts:-$needs}
  step "$fault: $what"
  note "must hold meanwhile: ${holds_text:-nothing is promised}"
  note "seen by: ${alert:-no alert, by intent}"
  confirm
  work=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  undo=""
  if ((!dry_run)); then
    step "Before it"
    hold_now || fail "The shop does not hold even before the fault." "First: kubectl --context $context --namespace $namespace get pods"
    ! alert_fires || fail "$alert fires already." "Look into it first."
    note "all is well"
  fi
  step "Making it"
  "make_${fault//-/_}"
  ((dry_run)) && { note "then for at most $lasts s: look, and undo"; exit 0; }
  watch_it
}

main "$@"
