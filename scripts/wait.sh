#!/usr/bin/env bash
# Waits until a release is rolled out: scripts/wait.sh --help.
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

usage() {
  cat <<'END'
Waits until Jobs are done and every rollout is, canaries of Argo Rollouts included. Changes nothing.

Usage: scripts/wait.sh [OPTIONS]

      --context NAME     kubectl's context; the current one if none is named
      --overlay NAME     what to wait for: this of k8s/overlays or k8s/combinations, …
      --component NAME   … with this of k8s/components
      --image REF        … and this image, by its digest
      --manifests FILE   or the file that scripts/render.sh wrote
      --namespace NAME   or the release that is recorded to run here: techcommerce (default)
      --timeout TIME     how long one rollout may take, as 600s (default)
      --dry-run          show what would be waited for
  -h, --help             this text

Ends with 0 when all is rolled out, with 1 if not. Needs bash and kubectl.
END
}

command=scripts/wait.sh
takes=" --context --overlay --component --image --manifests --namespace --timeout "

own_option() { return 1; }

main() {
  read_arguments "$@"
  make_workplace
  find_context
  find_manifests_or_current
  wait_for_jobs
  wait_for_rollouts
  ((dry_run)) || check_images
  step "All is rolled out"
}

main "$@"
