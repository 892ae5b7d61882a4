#!/usr/bin/env bash
# Whether a tag may become a release: scripts/check_tag.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

usage() {
  cat <<'END'
Says whether a tag may become a release: it is vMAJOR.MINOR.PATCH, Cargo.toml has that version, CHANGELOG.md
tells of it, tests/upgrades has its data for both databases, and its commit is on the branch that was reviewed.

Usage: scripts/check_tag.sh --tag TAG [--branch NAME]

      --tag TAG       as v1.2.3
      --branch NAME   the branch: main (default)
      --dry-run       the same: nothing is changed anyway
  -h, --help          this text

Needs git, and the whole history.
END
}

tag="" branch=main

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/check_tag.sh --help says which."
}

while (($#)); do
  case $1 in
    --tag) value "$@" && tag=$2 && shift ;;
    --branch) value "$@" && branch=$2 && shift ;;
    --dry-run) ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/check_tag.sh --help lists them." ;;
  esac
  shift
done
[[ -n $tag ]] || fail "--tag is needed." "scripts/check_tag.sh --help"
[[ $tag =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$tag is no version." "It is v and three numbers, as v1.2.3."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
[[ $tag == "v$version" ]] || fail "$tag is not the version of Cargo.toml, $version." "Raise the version first, then tag that commit."
grep -qF "## $version" "$root/CHANGELOG.md" 2>/dev/null || grep -qF "## [$version]" "$root/CHANGELOG.md" 2>/dev/null ||
  fail "CHANGELOG.md has no section of $version."
for database in sqlite postgres; do
  [[ -d $root/tests/upgrades/$version/$database ]] ||
    fail "tests/upgrades has no data of $version on $database." \
      "cargo xtask release-data makes them; later versions are tried on them."
done
git -C "$root" rev-parse --verify --quiet "refs/tags/$tag" >/dev/null || fail "There is no tag $tag."
git -C "$root" merge-base --is-ancestor "$tag^{commit}" "$branch" ||
  fail "$tag is not on $branch." "Only what was reviewed and delivered becomes a release."
note "$tag may be released"
