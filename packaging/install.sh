#!/usr/bin/env bash
# Installs TechCommerce on a Linux with systemd, brings a new version, goes back to the one before, or
# takes it away: install.sh --help. It stands alone, because it is fetched alone.
set -euo pipefail

# Who signs a release; as in verify.sh, and a test compares them.
identity='^https://github\.com/techcommerce/techcommerce/\.github/workflows/(cd\.yaml@refs/heads/main|release\.yaml@refs/tags/v.+)$'
issuer='https://token.actions.githubusercontent.com'
releases=https://github.com/techcommerce/techcommerce/releases

cosign=${COSIGN:-cosign}
version="" from="" root="" key="" dry_run=0 action=install start=0 must_be_signed=0

usage() {
  cat <<'END'
Installs TechCommerce: /usr/local/bin/techcommerce, its systemd units and, if there is none yet,
/etc/techcommerce/techcommerce.toml. The unit techcommerce.service makes the shop's user and /var/lib/techcommerce.
Run again with another version it replaces the program and keeps the one before as techcommerce.old.

Usage: install.sh [OPTIONS]

      --version VERSION  this release; without it the latest
      --from FOLDER      files of a release that were fetched before; nothing is downloaded
      --start            start the shop, or restart it with the new program, and have it start with the machine
      --signed           fail without cosign; without this the checksum alone has to do then
      --key FILE         signed by this key, and not by the pipeline (a mirror of your own)
      --back             put the program back that was there before the last change
      --uninstall        stop the shop, take program and unit away; settings and data stay
      --root FOLDER      install below this folder and leave systemd alone
      --dry-run          say what would be done, and change nothing
  -h, --help             this text

Needs root (or --root), tar and sha256sum; curl unless --from is given. With cosign the signature is
verified too. Afterwards: docs/single-machine.md.
END
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
  exit 1
}

# Does it, or says that it would be done.
change() {
  if ((dry_run)); then
    printf 'would run:'
    printf ' %q' "$@"
    printf '\n'
  else
    "$@"
  fi
}

while (($#)); do
  case $1 in
    --version | --from | --root | --key)
      (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "install.sh --help says which."
      case $1 in
        --version) version=${2#v} ;;
        --from) from=$2 ;;
        --root) root=${2%/} ;;
        --key) key=$2 ;;
      esac
      shift
      ;;
    --start) start=1 ;;
    --signed) must_be_signed=1 ;;
    --back) action=back ;;
    --uninstall) action=uninstall ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "install.sh --help lists them." ;;
  esac
  shift
done

program=$root/usr/local/bin/techcommerce
settings=$root/etc/techcommerce/techcommerce.toml
units=$root/etc/systemd/system
data=$root/var/lib/techcommerce
[[ -z $root || -d $root ]] || fail "There is no folder $root."
[[ -n $root || $(id -u) == 0 ]] || ((dry_run)) || fail "Only root can install." "sudo ./install.sh, or --root FOLDER"

# systemd of this machine, if it is this machine that is installed on and systemd runs it.
systemd() {
  [[ -z $root && -d /run/systemd/system ]] || return 0
  change systemctl "$@"
}

# fetch ADDRESS FILE
fetch() {
  command -v curl >/dev/null 2>&1 || fail "curl is not installed." "Or fetch the files elsewhere and give --from FOLDER."
  curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output "$2" "$1" ||
    fail "$1 cannot be fetched."
}

# The release's list and archive, in $work; sets name.
name=""
get() {
  local arch address line
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) arch=amd64 ;;
    Linux-aarch64) arch=arm64 ;;
    *) fail "There is no release for $(uname -s) on $(uname -m)." "Build it: see README.md." ;;
  esac
  address=$releases/latest/download
  [[ -z $version ]] || address=$releases/download/v$version
  if [[ -n $from ]]; then
    [[ -r $from/SHA256SUMS ]] || fail "There is no SHA256SUMS in $from." "Fetch all files of a release."
    cp "$from/SHA256SUMS" "$work/"
    [[ ! -r $from/SHA256SUMS.sigstore.json ]] || cp "$from/SHA256SUMS.sigstore.json" "$work/"
  else
    fetch "$address/SHA256SUMS" "$work/SHA256SUMS"
    fetch "$address/SHA256SUMS.sigstore.json" "$work/SHA256SUMS.sigstore.json"
  fi
  signed
  line=$(grep -E "^[0-9a-f]{64}  techcommerce-[0-9][0-9A-Za-z.-]*-linux-$arch\.tar\.gz$" "$work/SHA256SUMS" || true)
  [[ -n $line && $line != *$'\n'* ]] || fail "SHA256SUMS names no archive for $arch."
  name=${line##* }
  [[ -z $version || $name == "techcommerce-$version-linux-$arch.tar.gz" ]] ||
    fail "SHA256SUMS is that of $name, not of version $version."
  if [[ -n $from ]]; then
    [[ -r $from/$name ]] || fail "There is no $name in $from."
    cp "$from/$name" "$work/"
  else
    fetch "$address/$name" "$work/$name"
  fi
  [[ $(sha256sum "$work/$name" | cut -d ' ' -f 1) == "${line%% *}" ]] ||
    fail "$name is damaged or was changed: its checksum is not that of SHA256SUMS." "Fetch it again."
}

# The list is the pipeline's own, as far as that can be seen here.
signed() {
  local by=(--certificate-identity-regexp "$identity" --certificate-oidc-issuer "$issuer")
  [[ -z $key ]] || by=(--key "$key" --insecure-ignore-tlog=true)
  if ! command -v "$cosign" >/dev/null 2>&1; then
    ((!must_be_signed)) || fail "cosign is not installed, so nobody can say who made this."
    say "cosign is not here: checksums are verified, who made them is not"
    return
  fi
  [[ -r $work/SHA256SUMS.sigstore.json ]] || fail "SHA256SUMS has no signature."
  if [[ -n $key ]]; then
    # A key needs none of those whom signatures without one are traced back to; cosign would fetch them.
    printf '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}\n' >"$work/root.json"
    by+=(--trusted-root "$work/root.json")
  fi
  "$cosign" verify-blob "${by[@]}" --new-bundle-format --bundle "$work/SHA256SUMS.sigstore.json" \
    "$work/SHA256SUMS" >"$work/said" 2>&1 ||
    fail "SHA256SUMS is not signed by who makes TechCommerce, or was changed." "$(tail -n 1 "$work/said")"
  say "SHA256SUMS is signed by ${key:-the pipeline of techcommerce/techcommerce}"
}

install_it() {
  local new unit
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  get
  tar --extract --gzip --no-same-owner --directory "$work" --file "$work/$name"
  new=$work/${name%.tar.gz}
  # A program that does not start here must not take the place of one that does.
  "$new/techcommerce" --version >"$work/said" 2>&1 ||
    fail "The program of $name does not run on this machine; nothing was changed." "$(tail -n 1 "$work/said")"
  if cmp --silent "$new/techcommerce" "$program"; then
    say "$program is there already"
  else
    change install -d -m 755 "$(dirname "$program")"
    change install -m 755 "$new/techcommerce" "$program.new"
    # A second name first: at every moment there is a program at its place.
    [[ ! -e $program ]] || change ln -f "$program" "$program.old"
    change mv -f "$program.new" "$program"
    say "$program: $(head -n 1 "$work/said")"
  fi
  for unit in "$new"/systemd/*.{service,timer}; do
    [[ -e $unit ]] || continue
    if ! cmp --silent "$unit" "$units/$(basename "$unit")"; then
      change install -D -m 644 "$unit" "$units/$(basename "$unit")"
      say "$units/$(basename "$unit")"
    fi
  done
  if [[ -e $settings ]]; then
    say "$settings stays as it is"
  else
    change install -d -m 755 "$(dirname "$settings")"
    change install -m 644 "$new/systemd/techcommerce.toml" "$settings"
    say "$settings: write your own address, name and sender into it"
  fi
  systemd daemon-reload
  if ((start)); then
    systemd enable techcommerce
    # Starts it too if it stands still.
    systemd restart techcommerce
  else
    say "To start it, or to restart it with the new program: systemctl enable techcommerce && systemctl restart techcommerce"
  fi
}

back() {
  [[ -e $program.old ]] || fail "There is no $program.old to go back to."
  # The two change places, so that it can be done again.
  change ln -f "$program" "$program.new"
  change mv -f "$program.old" "$program"
  change mv -f "$program.new" "$program.old"
  say "$program is the one before; the newer one is $program.old"
  if ((start)); then systemd restart techcommerce; fi
}

uninstall() {
  local unit
  for unit in "$units"/techcommerce.service "$units"/techcommerce-*.{service,timer}; do
    [[ -e $unit ]] || continue
    systemd disable --now "$(basename "$unit")"
    change rm -f "$unit"
  done
  change rm -f "$program" "$program.old" "$program.new"
  systemd daemon-reload
  say "Program and units are gone. What is left is yours: $data and $(dirname "$settings")"
}

case $action in
  install) install_it ;;
  back) back ;;
  uninstall) uninstall ;;
esac
