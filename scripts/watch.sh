#!/usr/bin/env bash
# Watches whether the shop keeps its objectives: scripts/watch.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/deploy/rollout.sh
source "$root/scripts/deploy/rollout.sh"
# shellcheck source=scripts/deploy/smoke.sh
source "$root/scripts/deploy/smoke.sh"
# shellcheck source=scripts/deploy/explain.sh
source "$root/scripts/deploy/explain.sh"
# shellcheck source=scripts/delivery/options.sh
source "$root/scripts/delivery/options.sh"
# shellcheck source=scripts/delivery/record.sh
source "$root/scripts/delivery/record.sh"
# shellcheck source=scripts/delivery/transaction.sh
source "$root/scripts/delivery/transaction.sh"
# shellcheck source=scripts/delivery/objectives.sh
source "$root/scripts/delivery/objectives.sh"

usage() {
  cat <<'END'
Asks Prometheus for a while whether the shop keeps its objectives (docs/objectives.md), and fails if it does
not: an error budget burns too fast by more than a few errors, or a critical alert fires, in two looks in a
row. Changes nothing.

Usage: scripts/watch.sh [OPTIONS]

      --context NAME      kubectl's context; the current one if none is named
      --namespace NAME    where the shop is: techcommerce (default)
      --for TIME          how long, as 10m (default)
      --burn NUMBER       the burn rate that is too fast: 14.4 (default), 2 % of a month's budget in an hour
      --errors NUMBER     as many errors within five minutes are none to speak of: fewer than 5 (default)
      --need-requests     fail also if nobody asked the shop anything meanwhile
      --prometheus URL    ask there; else through the cluster, the service prometheus-operated
      --monitoring NAME   … of this namespace: monitoring (default)
      --dry-run           show what would be asked
  -h, --help              this text

Ends with 0 if the objectives were kept, with 1 if not. Needs bash and kubectl; curl for --prometheus.
END
}

command=scripts/watch.sh takes=" --context --namespace "

own_option() { watch_option "$@"; }

main() {
  read_arguments "$@"
  check_watch_options
  namespace=${namespace:-techcommerce}
  make_workplace
  find_context
  watch_objectives
}

main "$@"
