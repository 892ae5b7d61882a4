#!/usr/bin/env bash
# Writes the kubeconfig that a pipeline has as a secret: scripts/kubeconfig.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

usage() {
  cat <<'END'
Writes the kubeconfig that the environment has in KUBE_CONFIG (base64) into a file that only its owner can
read, and asks the cluster whether it is let in.

Usage: KUBE_CONFIG=… scripts/kubeconfig.sh --output FILE

      --output FILE   where to write it; set KUBECONFIG to that for what follows
      --dry-run       say whether the secret is one, and write nothing
  -h, --help          this text

How to make the secret, with no more rights than a release needs: docs/release.md. Needs bash and kubectl.
END
}

output=""
while (($#)); do
  case $1 in
    --output) (($# > 1)) && [[ -n $2 ]] || fail "--output needs a value." "scripts/kubeconfig.sh --help"; output=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/kubeconfig.sh --help lists them." ;;
  esac
  shift
done
[[ -n $output ]] || fail "--output is needed." "scripts/kubeconfig.sh --help"
need kubectl "See https://kubernetes.io/docs/tasks/tools/."
[[ -n ${KUBE_CONFIG:-} ]] || fail "KUBE_CONFIG is empty." "Is the secret there, in this environment? docs/release.md#secrets"
# Never shown, whatever is wrong with it.
text=$(base64 --decode <<<"$KUBE_CONFIG" 2>/dev/null | tr -d '\0') || fail "KUBE_CONFIG is not base64." "base64 -w0 <kubeconfig"
[[ $text == *clusters:* && $text == *users:* ]] || fail "KUBE_CONFIG is no kubeconfig." "docs/release.md#secrets says how it is made."
if ((dry_run)); then
  note "would write $output"
  exit 0
fi
umask 077
rm -f "$output"
printf '%s\n' "$text" >"$output"
KUBECONFIG=$output kubectl version >/dev/null || fail "The cluster does not answer, or does not let us in." "The token may have run out: docs/release.md#secrets"
note "$output"
