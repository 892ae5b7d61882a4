#!/usr/bin/env bash
# Takes a backup now and waits for it: scripts/backup_now.sh --help.
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
# shellcheck source=scripts/delivery/backup.sh
source "$root/scripts/delivery/backup.sh"

usage() {
  cat <<'END'
Takes a backup now: a Job from the CronJob that takes them anyway, and waits until it is complete.

Usage: scripts/backup_now.sh [OPTIONS]

      --context NAME          kubectl's context; the current one if none is named
      --namespace NAME        where the shop is: techcommerce (default)
      --backup-cronjob NAME   the CronJob: backup (default)
      --name NAME             the Job's name: backup- and the time (default); one that is complete serves
      --dry-run               show what would be done
  -h, --help                  this text

Ends with 0 when the backup is taken, with 1 if not. Needs bash and kubectl.
END
}

command=scripts/backup_now.sh takes=" --context --namespace " job=""

own_option() {
  case $1 in
    --backup-cronjob) value "$@" && backup_cronjob=$2 ;;
    --name) value "$@" && job=$2 ;;
    *) return 1 ;;
  esac
  used=2
}

main() {
  read_arguments "$@"
  namespace=${namespace:-techcommerce}
  make_workplace
  find_context
  take_backup "${job:-backup-$(date -u +%Y%m%dt%H%M%S)}"
}

main "$@"
