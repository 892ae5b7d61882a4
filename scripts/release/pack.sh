#!/usr/bin/env bash
# Packs a built program into the archive of a release: scripts/release/pack.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/release/common.sh
source "$root/scripts/release/common.sh"

program="" arch="" tag="" out=""

usage() {
  cat <<'END'
Packs a program, its systemd units, licence and README into techcommerce-VERSION-linux-ARCH.tar.gz.
The same commit and the same program give the same bytes, whenever and wherever they are packed.

Usage: scripts/release/pack.sh --program FILE --arch amd64|arm64 --tag vVERSION --out FOLDER

      --program FILE   the program, as the image of that architecture has it
      --arch ARCH      amd64 or arm64; the program has to be for it
      --tag TAG        the tag of the release; Cargo.toml has to say the same version
      --out FOLDER     where the archive goes, with install.sh and verify.sh beside it
      --dry-run        say what would be written, and write nothing
  -h, --help           this text

Needs GNU tar and gzip, and a program that was built from the commit that is checked out.
END
}

while (($#)); do
  case $1 in
    --program) value "$@" && program=$2 && shift ;;
    --arch) value "$@" && arch=$2 && shift ;;
    --tag) value "$@" && tag=$2 && shift ;;
    --out) value "$@" && out=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/release/pack.sh --help lists them." ;;
  esac
  shift
done
[[ -n $program && -n $arch && -n $tag && -n $out ]] ||
  fail "--program, --arch, --tag and --out are needed." "scripts/release/pack.sh --help"
[[ -r $program ]] || fail "There is no program $program."
need tar "It has to be GNU tar."
need gzip "It is in every distribution's packages."

# The program is what it is said to be.
case $arch in
  amd64) machine=3e00 ;;
  arm64) machine=b700 ;;
  *) fail "There is no release for $arch." "It is amd64 or arm64." ;;
esac
header=$(od -An -tx1 -N20 "$program" | tr -d ' \n')
[[ ${header:0:8} == 7f454c46 ]] || fail "$program is no program for Linux."
[[ ${header:36:4} == "$machine" ]] || fail "$program is not for $arch."
version=$(version_of "$tag")
commit=$(commit_of_sources)
# The build writes the commit into it.
grep --text --quiet --fixed-strings "$commit" "$program" ||
  fail "$program was not built from $commit." "Build it from what is checked out, as the Dockerfile does."
[[ -z $(git -C "$root" status --porcelain -- LICENSE README.md packaging scripts/verify.sh) ]] ||
  fail "What goes into the archive was changed and not committed." "git status"
epoch=$(git -C "$root" log -1 --format=%ct)

name=techcommerce-$version-linux-$arch
step "$name.tar.gz"
if ((dry_run)); then
  note "would write $out/$name.tar.gz, install.sh and verify.sh, of $commit"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install -d -m 755 "$out" "$work/$name" "$work/$name/systemd"
install -m 755 "$program" "$work/$name/techcommerce"
install -m 644 "$root/LICENSE" "$root/README.md" "$work/$name/"
install -m 644 "$root"/packaging/systemd/* "$work/$name/systemd/"
# Names in one order, everybody's and nobody's, of the commit's time; gzip without name and time.
tar --create --directory "$work" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner \
  --mtime="@$epoch" --mode=u=rwX,go=rX "$name" | gzip -9 --no-name >"$work/archive"
install -m 644 "$work/archive" "$out/$name.tar.gz"
install -m 755 "$root/packaging/install.sh" "$root/scripts/verify.sh" "$out/"
note "$(sha256sum "$out/$name.tar.gz" | cut -d ' ' -f 1), of $commit"
