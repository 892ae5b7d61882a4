#!/usr/bin/env bash
# Writes the manifests of a release into a file: scripts/render.sh --help.
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
Writes what a delivery applies: an overlay with the image of the release, as one file that can be read,
compared and kept. scripts/release.sh --manifests FILE applies just that. Asks no cluster.

Usage: scripts/render.sh --overlay NAME --image NAME@sha256:… --output FILE

      --overlay NAME     of k8s/overlays or k8s/combinations: staging, production, …
      --component NAME   with this of k8s/components as well; may be given several times
      --image REF        the image of the release, by its digest; the overlay's own if none is named
      --output FILE      where to write it
      --dry-run          say what would be written, and write nothing
  -h, --help             this text

Needs bash and kubectl.
END
}

command=scripts/render.sh takes=" --overlay --component --image " output=""

own_option() {
  [[ $1 == --output ]] || return 1
  value "$@"
  output=$2 used=2
}

main() {
  read_arguments "$@"
  [[ -n $output ]] || fail "--output is needed." "$command --help"
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  make_workplace
  find_manifests
  note "image: $(image_in "$rendered")"
  if ((dry_run)); then
    note "would write $output"
    return
  fi
  # Whole or not at all.
  { cp "$rendered" "$output.part" && mv "$output.part" "$output"; } || fail "$output cannot be written."
  note "$output"
}

main "$@"
