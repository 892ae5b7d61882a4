#!/usr/bin/env bash
# Signs the files of a release and says how they were built: scripts/release/sign.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/release/common.sh
source "$root/scripts/release/common.sh"

folder=""

usage() {
  cat <<'END'
Writes beside the files of a release:

  SHA256SUMS                    their checksums, and that of no other file
  FILE.sigstore.json            the signature of each file, and of SHA256SUMS
  FILE.provenance.sigstore.json where, from which commit and by which workflow each file was built:
                                a signed SLSA provenance 1.0

Usage: scripts/release/sign.sh FOLDER [OPTIONS]

      --key FILE   sign with this key and tell no public log (a trial; what is released is signed
                   without a key, by who the workflow is)
      --dry-run    say what would be signed, and write nothing
  -h, --help       this text

Needs cosign 2 and jq, and the variables that GitHub sets in every job. May run again: what was
signed before is signed anew.
END
}

while (($#)); do
  case $1 in
    --key) value "$@" && key=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) fail "There is no option $1." "scripts/release/sign.sh --help lists them." ;;
    *) [[ -z $folder ]] || fail "One folder, not $folder and $1."
      folder=$1 ;;
  esac
  shift
done
[[ -d $folder ]] || fail "There is no folder ${folder:-given}." "scripts/release/sign.sh --help"
need_cosign
need jq "It is in every distribution's packages."
sign_with

cd "$folder"
shopt -s nullglob
files=()
for file in *; do
  case $file in
    *.sigstore.json | SHA256SUMS) ;;
    *) if [[ -f $file ]]; then files+=("$file"); fi ;;
  esac
done
((${#files[@]})) || fail "There is nothing to sign in $folder."
if ((dry_run)); then
  step "Would sign SHA256SUMS and ${#files[@]} files"
  printf '%s\n' "${files[@]}" | indent
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step "How they were built"
predicate >"$work/predicate.json"
note "$(jq --raw-output '.runDetails.metadata.invocationId' "$work/predicate.json")"
rm -f -- *.sigstore.json
LC_ALL=C sha256sum -- "${files[@]}" >SHA256SUMS

for file in SHA256SUMS "${files[@]}"; do
  step "$file"
  "$cosign" sign-blob --yes ${signing[@]+"${signing[@]}"} --new-bundle-format \
    --bundle "$file.sigstore.json" "$file" >/dev/null 2>"$work/said" ||
    fail "$file is not signed: $(tail -n 1 "$work/said")"
  [[ $file != SHA256SUMS ]] || continue
  "$cosign" attest-blob --yes ${signing[@]+"${signing[@]}"} --new-bundle-format --type slsaprovenance1 \
    --predicate "$work/predicate.json" --bundle "$file.provenance.sigstore.json" "$file" \
    >/dev/null 2>"$work/said" || fail "$file has no provenance: $(tail -n 1 "$work/said")"
done
note "${#files[@]} files are signed"
