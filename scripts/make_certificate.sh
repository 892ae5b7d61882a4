#!/usr/bin/env bash
# Makes the certificate for the shop's local names and, if asked, puts it into a cluster.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

folder=$root/certificates
hosts=(shop.test api.test auth.test images.test monitoring.test)
days=397
namespaces=()
context="" reflect="" force=0

usage() {
  cat <<END
Makes a self-signed certificate for ${hosts[*]} in certificates/,
which git ignores. One that is there and holds for another month is kept.

Usage: scripts/make_certificate.sh [OPTIONS]

      --apply NAMESPACE   put it into this namespace as the Secret shop-tls; may be repeated
      --reflect           let kubernetes-reflector copy it into monitoring and logging
      --context NAME      kubectl's context, if not the current one
      --host NAME         for this name too; may be repeated
      --force             make a new one in any case
  -h, --help              this text

Needs openssl; kubectl with --apply.
END
}

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/make_certificate.sh --help says which."
}

read_arguments() {
  while (($#)); do
    case $1 in
      --apply) value "$@" && namespaces+=("$2") && shift ;;
      --context) value "$@" && context=$2 && shift ;;
      --host) value "$@" && hosts+=("$2") && force=1 && shift ;;
      --reflect) reflect=1 ;;
      --force) force=1 ;;
      -h | --help) usage && exit 0 ;;
      *) fail "There is no option $1." "scripts/make_certificate.sh --help lists them." ;;
    esac
    shift
  done
}

make() {
  local names
  names=$(printf ',DNS:%s' "${hosts[@]}")
  mkdir -p "$folder"
  # Nobody else on this machine reads the key, not even for a moment.
  (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$folder/tls.key") ||
    fail "openssl makes no key."
  openssl req -x509 -new -sha256 -days "$days" -key "$folder/tls.key" -out "$folder/tls.crt" \
    -subj "/CN=${hosts[0]}" -addext "subjectAltName=${names#,}" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,digitalSignature" \
    -addext "extendedKeyUsage=serverAuth" || fail "openssl makes no certificate."
  note "certificates/tls.crt, for $days days"
}

apply() {
  local cluster=(kubectl)
  [[ -z $context ]] || cluster+=(--context "$context")
  "${cluster[@]}" --namespace "$1" create secret tls shop-tls --cert "$folder/tls.crt" \
    --key "$folder/tls.key" --dry-run=client --output yaml |
    "${cluster[@]}" --namespace "$1" apply --filename - ||
    fail "The Secret shop-tls cannot be written to $1." "Is the namespace there? deploy.sh makes it."
  [[ -z $reflect ]] && return
  "${cluster[@]}" --namespace "$1" annotate secret shop-tls --overwrite \
    reflector.v1.k8s.emberstack.com/reflection-allowed=true \
    reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces=monitoring,logging \
    reflector.v1.k8s.emberstack.com/reflection-auto-enabled=true \
    reflector.v1.k8s.emberstack.com/reflection-auto-namespaces=monitoring,logging ||
    fail "The Secret shop-tls cannot be annotated."
}

read_arguments "$@"
need openssl "It is in every distribution's packages."
step "A certificate for ${hosts[*]}"
if ((!force)) && openssl x509 -in "$folder/tls.crt" -noout -checkend 2592000 >/dev/null 2>&1; then
  note "certificates/tls.crt still holds"
else
  make
fi
if ((${#namespaces[@]})); then
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  for namespace in "${namespaces[@]}"; do
    step "The Secret shop-tls in $namespace"
    apply "$namespace"
  done
fi
say ""
say "To reach the names from here, add to /etc/hosts:"
say "127.0.0.1 ${hosts[*]}"
