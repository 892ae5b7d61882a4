#!/usr/bin/env bash
# Signs an image in its registry, with what is in it and how it was built:
# scripts/release/sign_image.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/release/common.sh
source "$root/scripts/release/common.sh"

image="" sbom=""

usage() {
  cat <<'END'
Puts beside an image in its registry: its signature, its list of parts (CycloneDX) and its SLSA
provenance 1.0, both signed. Admission policies and scripts/verify.sh ask for them.

Usage: scripts/release/sign_image.sh REPOSITORY@sha256:DIGEST --sbom FILE [OPTIONS]

      --sbom FILE  what is in the image: `cargo xtask supply -- sbom --image …` writes it
      --key FILE   sign with this key and tell no public log (a trial)
      --dry-run    say what would be signed, and sign nothing
  -h, --help       this text

Needs cosign 2 and jq, a registry that lets you write, and the variables that GitHub sets in every job.
END
}

while (($#)); do
  case $1 in
    --sbom) value "$@" && sbom=$2 && shift ;;
    --key) value "$@" && key=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) fail "There is no option $1." "scripts/release/sign_image.sh --help lists them." ;;
    *) [[ -z $image ]] || fail "One image, not $image and $1."
      image=$1 ;;
  esac
  shift
done
# A tag may lead elsewhere by the time that the signature is written.
[[ $image =~ @sha256:[0-9a-f]{64}$ ]] || fail "${image:-No image} is not named by its digest." \
  "An image to sign is REPOSITORY@sha256:DIGEST."
[[ -r $sbom ]] || fail "There is no list of parts ${sbom:-given}." "scripts/release/sign_image.sh --help"
need_cosign
need jq "It is in every distribution's packages."
digest=${image##*@}
# Ours says the digest as its version, those of scanners in the package's address.
jq --exit-status --arg digest "$digest" '.metadata.component |
  .version == $digest or (.purl // "" | gsub("%3[Aa]"; ":") | contains($digest))' "$sbom" >/dev/null ||
  fail "$sbom is not of $digest." "Write it with --image $image."
sign_with
if ((dry_run)); then
  step "Would sign $image, with $sbom and its provenance"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
predicate >"$work/predicate.json"

# attempt WHAT COMMAND…: with the reason if it fails.
attempt() {
  step "$1"
  "${@:2}" >/dev/null 2>"$work/said" || fail "$image: $1 failed: $(tail -n 1 "$work/said")"
}

# The parts and the provenance first: whoever sees the signature finds the rest there.
attempt "Its parts" "$cosign" attest --yes ${signing[@]+"${signing[@]}"} --replace \
  --type cyclonedx --predicate "$sbom" "$image"
attempt "Its provenance" "$cosign" attest --yes ${signing[@]+"${signing[@]}"} --replace \
  --type slsaprovenance1 --predicate "$work/predicate.json" "$image"
attempt "Its signature" "$cosign" sign --yes ${signing[@]+"${signing[@]}"} "$image"
