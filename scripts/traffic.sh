#!/usr/bin/env bash
# Sends shoppers to a shop that runs: scripts/traffic.sh --help.
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
Sends shoppers to the public address of a shop, by `techcommerce traffic` out of the image of the release:
every answer is checked, and an account of all orders is settled at the end (docs/traffic.md).

Usage: scripts/traffic.sh --manifests FILE [OPTIONS] [-- OPTIONS OF techcommerce traffic]

      --overlay NAME     the shop of this of k8s/overlays or k8s/combinations, …
      --image REF        … with this image, by its digest
      --manifests FILE   … or of the file that scripts/render.sh wrote
      --address URL      go there, in place of the shop's public address
      --dry-run          show what would be run
  -h, --help             this text

As: scripts/traffic.sh --manifests staging.yaml -- --rate 2 --duration 3m. Ends with 0 if the shop held.
Needs bash, kubectl and docker.
END
}

command=scripts/traffic.sh takes=" --overlay --component --image --manifests " address_given=""

own_option() {
  [[ $1 == --address ]] || return 1
  value "$@"
  address_given=${2%/} used=2
}

main() {
  local own=() to
  while (($#)) && [[ $1 != -- ]]; do own+=("$1") && shift; done
  (($# == 0)) || shift
  read_arguments ${own[@]+"${own[@]}"}
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  need docker "See https://docs.docker.com/engine/install/."
  make_workplace
  find_manifests
  to=${address_given:-$(public_address)}
  step "Shoppers for $to"
  change docker run --rm --network host --read-only --cap-drop ALL "$(image_in "$rendered")" traffic "$to" "$@" ||
    fail "The shop did not hold." "What was wrong is above."
}

main "$@"
