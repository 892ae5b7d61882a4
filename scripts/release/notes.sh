#!/usr/bin/env bash
# Writes what is new in a release: scripts/release/notes.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/release/common.sh
source "$root/scripts/release/common.sh"

tag="" out=""

usage() {
  cat <<'END'
Writes FOLDER/techcommerce-VERSION-changes.md: what CHANGELOG.md says of the version, then every commit
since the release before.

Usage: scripts/release/notes.sh --tag vVERSION --out FOLDER

      --tag TAG      the tag of the release
      --out FOLDER   where it goes
      --dry-run      print it instead
  -h, --help         this text

Needs the whole history, with its tags (actions/checkout: fetch-depth: 0).
END
}

while (($#)); do
  case $1 in
    --tag) value "$@" && tag=$2 && shift ;;
    --out) value "$@" && out=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/release/notes.sh --help lists them." ;;
  esac
  shift
done
[[ -n $tag && -n $out ]] || fail "--tag and --out are needed." "scripts/release/notes.sh --help"
version=$(version_of "$tag")
[[ $(git -C "$root" rev-parse --is-shallow-repository) == false ]] ||
  fail "The history is cut off, so the commits since the last release are not here." "git fetch --unshallow --tags"

# What somebody wrote for those who use it; a release without it is not released.
written=$(awk -v wanted="## $version" '
  /^## / { inside = ($0 == wanted || index($0, wanted " ") == 1); next }
  inside { print }' "$root/CHANGELOG.md")
[[ -n ${written//[[:space:]]/} ]] ||
  fail "CHANGELOG.md says nothing of $version." "Write a section '## $version', commit it, and move the tag."

# The release before this commit, whether or not the tag is there yet.
before=$(git -C "$root" tag --list 'v[0-9]*' --merged HEAD --sort=-version:refname |
  grep --fixed-strings --line-regexp --invert-match "$tag" | head -n 1 || true)
notes() {
  printf '# TechCommerce %s\n' "$version"
  printf '%s\n' "$written"
  if [[ -n $before ]]; then
    printf '\n## Commits since %s\n\n' "$before"
    git -C "$root" log --no-merges --format='- %s (%h)' "$before..HEAD"
  else
    printf '\nThe first release, of %s commits.\n' "$(git -C "$root" rev-list --count HEAD)"
  fi
  printf '\nHow to verify what you fetch: %s/blob/%s/docs/verify-release.md\n' "$repository" "$tag"
}
if ((dry_run)); then
  notes
else
  mkdir -p "$out"
  notes >"$out/techcommerce-$version-changes.md"
  note "$out/techcommerce-$version-changes.md${before:+, since $before}"
fi
