#!/usr/bin/env bash
# Shops once, as people and programs do: scripts/smoke.sh --help.
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
Shops once through the frontend: a page, a product, a cart, and where the shop takes the test payment an
order that has to be paid within a minute. The order stays, as smoke@example.com's.

Usage: scripts/smoke.sh [OPTIONS]

      --context NAME     kubectl's context; the current one if none is named
      --overlay NAME     the shop of this of k8s/overlays or k8s/combinations, …
      --manifests FILE   … or of the file that scripts/render.sh wrote
      --namespace NAME   … or the release that is recorded to run here: techcommerce (default)
      --public           go to the shop's public address, in place of a port that kubectl forwards
      --address URL      … or to this one
      --dry-run          show what would be done
  -h, --help             this text

Ends with 0 when all was answered rightly, with 1 if not. Needs bash, kubectl and curl.
END
}

command=scripts/smoke.sh takes=" --context --overlay --manifests --namespace " public="" go_public=0

own_option() {
  case $1 in
    --public) go_public=1 ;;
    --address) value "$@" && public=${2%/} used=2 ;;
    *) return 1 ;;
  esac
}

main() {
  read_arguments "$@"
  [[ -z $public || $public =~ ^https?://[^/]+$ ]] || fail "$public is no address." "As --address https://shop.example"
  need curl "It asks the shop."
  make_workplace
  find_context
  find_manifests_or_current
  ((!go_public)) || public=$(public_address)
  smoke_test
  step "The shop works"
}

main "$@"
