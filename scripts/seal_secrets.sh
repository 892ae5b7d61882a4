#!/usr/bin/env bash
# Writes a fresh set of the shop's Secrets, sealed for one cluster: scripts/seal_secrets.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

image=ghcr.io/techcommerce/techcommerce:local
namespace="" output="" context=""

usage() {
  cat <<'END'
Makes every Secret that the shop mounts, at random, and seals them by the key of the Sealed Secrets
controller in the cluster, so that only that cluster can open them. Nothing unsealed is written.

Usage: scripts/seal_secrets.sh --namespace NAMESPACE --output FILE [--context NAME]

The file belongs beside your overlay, which lists it as a resource and takes the component
sealed-secrets (k8s/combinations/sealed-secrets does).

Needs kubectl, kubeseal, and techcommerce or, in its place, docker with the image that
`docker build --tag ghcr.io/techcommerce/techcommerce:local .` makes.
END
}

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/seal_secrets.sh --help says which."
}

while (($#)); do
  case $1 in
    --namespace) value "$@" && namespace=$2 && shift ;;
    --output) value "$@" && output=$2 && shift ;;
    --context) value "$@" && context=$2 && shift ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/seal_secrets.sh --help lists them." ;;
  esac
  shift
done
[[ -n $namespace && -n $output ]] || fail "--namespace and --output are needed." "scripts/seal_secrets.sh --help"
[[ ! -e $output ]] || fail "$output is there already." \
  "New Secrets would not fit the running shop's database. Remove it first if that is meant."
need kubectl "See https://kubernetes.io/docs/tasks/tools/."
need kubeseal "See https://github.com/bitnami-labs/sealed-secrets."
if command -v techcommerce >/dev/null 2>&1; then
  shop=(techcommerce)
else
  need docker "Or put techcommerce on the path."
  shop=(docker run --rm --network none "$image")
fi
cluster=() seal=(kubeseal)
if [[ -n $context ]]; then
  cluster=(--context "$context")
  seal+=(--context "$context")
fi

# kubectl takes the list apart into documents, as kubeseal wants them.
step "Sealing for $namespace"
"${shop[@]}" cluster secrets --print |
  kubectl ${cluster[@]+"${cluster[@]}"} --namespace "$namespace" create --dry-run=client --output yaml --filename - |
  "${seal[@]}" --namespace "$namespace" --format yaml >"$output.part" || {
  rm -f "$output.part"
  fail "The Secrets cannot be sealed." "Is the controller there? kubeseal --fetch-cert"
}
mv "$output.part" "$output"
note "$output: $(grep -c '^kind: SealedSecret' "$output") Secrets"
