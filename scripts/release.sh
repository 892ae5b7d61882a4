#!/usr/bin/env bash
# Brings a release into a cluster, or leaves the one that is there: scripts/release.sh --help.
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
# shellcheck source=scripts/delivery/backup.sh
source "$root/scripts/delivery/backup.sh"

usage() {
  cat <<'END'
Brings a release into a cluster: verifies the image's signature, records the release, takes a backup if
told so, applies what the services need and waits for the migrations, then the services, waits for every
rollout (canaries where Argo Rollouts are), shops once, and watches the objectives if told so. Whatever
fails, the release that ran before is put back: the last line says which one the shop runs. The same
command again does no harm. docs/release.md tells more.

Usage: scripts/release.sh --overlay NAME --image NAME@sha256:… [OPTIONS]
       scripts/release.sh --manifests FILE [OPTIONS]

      --context NAME          kubectl's context; the current one if none is named
      --overlay NAME          of k8s/overlays or k8s/combinations: staging, production, …
      --component NAME        with this of k8s/components as well; may be given several times
      --image REF             the image, by its digest
      --manifests FILE        or the file that scripts/render.sh wrote
      --revision SHA          the commit the image was built from: verified, and recorded
      --key FILE              the image is signed by this key, not by the pipeline
      --no-verify             do not ask for the image's signature
      --backup                take a backup first, …
      --backup-cronjob NAME   … by this CronJob: backup (default)
      --timeout TIME          how long one rollout may take, as 600s (default)
      --no-smoke              do not shop
      --watch TIME            watch the objectives at the end for so long, as 10m
      --burn NUMBER           as scripts/watch.sh has it, …
      --errors NUMBER         … and this, …
      --need-requests         … and this, …
      --prometheus URL        … and this, …
      --monitoring NAME       … and this
      --take-over             go on where another run was cut off
      --dry-run               show what would be done, and do nothing
  -h, --help                  this text

Ends with 0 when the new release runs, else with 1. Needs bash, kubectl, curl, gzip; cosign and jq to verify.
END
}

command=scripts/release.sh
takes=" --context --overlay --component --image --manifests --revision --timeout --take-over "
verify=1 key="" smoke=1 watch=0

own_option() {
  case $1 in
    --no-verify) verify=0 && return ;;
    --backup) backup=1 && return ;;
    --no-smoke) smoke=0 && return ;;
    --for) return 1 ;;
    --key) value "$@" && key=$2 ;;
    --backup-cronjob) value "$@" && backup_cronjob=$2 ;;
    --watch) value "$@" && watch=1 watch_for=$2 ;;
    *)
      watch_option "$@"
      return
      ;;
  esac
  used=2
}

verify_image() {
  local reference arguments
  reference=$(image_in "$rendered")
  need_digest "$reference"
  step "Verifying $reference"
  ((verify)) || { note "not asked for" && return; }
  arguments=(image "$reference")
  [[ -z $revision ]] || arguments+=(--commit "$revision")
  [[ -z $key ]] || arguments+=(--key "$key")
  change "$root/scripts/verify.sh" "${arguments[@]}" || fail "The image is not what the pipeline built and signed." "What is wrong is above."
}

main() {
  read_arguments "$@"
  delivers=1
  check_watch_options
  ((!smoke)) || need curl "It shops through the frontend; --no-smoke goes without."
  make_workplace
  find_context
  find_manifests
  verify_image
  ((!watch)) || look_before
  begin
  ((!backup)) || take_backup "backup-before-$new-$(date -u +%Y%m%dt%H%M%S)"
  roll
  ((!smoke)) || smoke_test
  ((!watch)) || watch_objectives
  commit
}

main "$@"
