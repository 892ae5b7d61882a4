#!/usr/bin/env bash
# The image of a commit: built, pushed, named, looked into: scripts/image.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

usage() {
  cat <<'END'
Builds the image of the commit that is checked out, for amd64 and arm64, and pushes it; gives an image
that is there further names; copies the program out of one.

Usage: scripts/image.sh name
       scripts/image.sh login
       scripts/image.sh push --tag TAG --digest-file FILE [--version V] [--cache] [--only NAME]
       scripts/image.sh tag --digest sha256:… --tag TAG… [--only NAME]
       scripts/image.sh program --digest sha256:… --arch amd64|arm64 --output FILE

      name               say where images go, and end: $REGISTRY/techcommerce if the environment has
                         REGISTRY, else ghcr.io/techcommerce/techcommerce
      login              sign in there, as REGISTRY_USERNAME with REGISTRY_PASSWORD, else as GITHUB_ACTOR
                         with GITHUB_TOKEN
      --tag TAG          a name for it; `tag` takes several
      --digest-file FILE where `push` writes the digest of what it pushed, sha256:…
      --version V        what the image says of itself, as 1.2.3: that of Cargo.toml (default)
      --cache            keep layers in the registry, beside the image; a release is built without
      --only NAME        another image than the shop's: postgres-pgbackrest
      --digest SHA       which image
      --arch ARCH        of which architecture the program is
      --output FILE      where the program goes
      --dry-run          show what would be done, and do nothing
  -h, --help             this text

Needs docker with buildx, and git. docs/containers.md says what an image is built of.
END
}

what="" tags=() digest="" digest_file="" version="" cache=0 only="" arch="" output=""

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/image.sh --help says which."
}

read_arguments() {
  case ${1:-} in
    name | login | push | tag | program) what=$1 && shift ;;
    -h | --help) usage && exit 0 ;;
    *) fail "name, login, push, tag or program is needed." "scripts/image.sh --help" ;;
  esac
  while (($#)); do
    case $1 in
      --tag) value "$@" && tags+=("$2") && shift ;;
      --digest) value "$@" && digest=$2 && shift ;;
      --digest-file) value "$@" && digest_file=$2 && shift ;;
      --version) value "$@" && version=$2 && shift ;;
      --only) value "$@" && only=$2 && shift ;;
      --arch) value "$@" && arch=$2 && shift ;;
      --output) value "$@" && output=$2 && shift ;;
      --cache) cache=1 ;;
      --dry-run) dry_run=1 ;;
      -h | --help) usage && exit 0 ;;
      *) fail "There is no option $1." "scripts/image.sh --help lists them." ;;
    esac
    shift
  done
  [[ -z $digest || $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "$digest is no digest." "It is sha256: and 64 hexadecimal digits."
  [[ -z $arch || $arch == amd64 || $arch == arm64 ]] || fail "There is no image for $arch." "It is amd64 or arm64."
  [[ -z $only || $only == postgres-pgbackrest ]] || fail "There is no image $only." "It is postgres-pgbackrest, or the shop's."
}

repository() {
  local registry=${REGISTRY:-ghcr.io/techcommerce}
  say "${registry%/}/${only:-techcommerce}"
}

# By standard input: what stands in arguments, everybody on the machine can read.
login() {
  local server user password
  server=${REGISTRY:-ghcr.io} user=${REGISTRY_USERNAME:-${GITHUB_ACTOR:-}} password=${REGISTRY_PASSWORD:-${GITHUB_TOKEN:-}}
  server=${server%%/*}
  [[ -n $user && -n $password ]] || fail "Nobody says who signs in at $server." "REGISTRY_USERNAME and REGISTRY_PASSWORD, or GITHUB_ACTOR and GITHUB_TOKEN."
  if ((dry_run)); then
    note "would sign in at $server as $user"
    return
  fi
  docker login "$server" --username "$user" --password-stdin <<<"$password" || fail "$server does not let $user in."
}

push() {
  local commit epoch created name arguments
  ((${#tags[@]} == 1)) && [[ -n $digest_file ]] || fail "push needs one --tag and --digest-file." "scripts/image.sh --help"
  need git "The image says which commit it is of."
  name=$(repository)
  commit=$(git -C "$root" rev-parse HEAD) || fail "This is no checkout of git."
  epoch=$(git -C "$root" log -1 --format=%ct)
  created=$(TZ=UTC git -C "$root" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
  [[ -n $version ]] || version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
  arguments=(--platform "linux/amd64,linux/arm64")
  if [[ $only == postgres-pgbackrest ]]; then
    arguments+=(--file "$root/packaging/pgbackrest/Dockerfile")
  else
    arguments+=(--build-arg "VERSION=$version" --build-arg "REVISION=$commit" --build-arg "CREATED=$created")
  fi
  arguments+=(--build-arg "SOURCE_DATE_EPOCH=$epoch")
  # What is signed says where it comes from; unsigned claims of the builder's own would only confuse.
  arguments+=(--provenance=false --sbom=false --metadata-file "$digest_file.json")
  if ((cache)); then
    arguments+=(--cache-from "type=registry,ref=$name:cache" --cache-to "type=registry,ref=$name:cache,mode=max")
  else
    arguments+=(--no-cache)
  fi
  arguments+=(--output "type=image,name=$name:${tags[0]},push=true,rewrite-timestamp=true")
  step "Building and pushing $name:${tags[0]}"
  change docker buildx build "${arguments[@]}" "$(context_of_build)" || fail "The image is not built or not pushed." "docker's words are above."
  ((dry_run)) && return
  digest=$(tr -d ' \n' <"$digest_file.json" | sed -n 's/.*"containerimage.digest":"\(sha256:[0-9a-f]*\)".*/\1/p')
  rm -f "$digest_file.json"
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "docker does not say which digest it pushed."
  say "$digest" >"$digest_file"
  note "$name@$digest"
}

context_of_build() {
  if [[ $only == postgres-pgbackrest ]]; then say "$root/packaging/pgbackrest"; else say "$root"; fi
}

tag() {
  local name one arguments=()
  ((${#digest} && ${#tags[@]})) || fail "tag needs --digest and --tag." "scripts/image.sh --help"
  name=$(repository)
  for one in "${tags[@]}"; do arguments+=(--tag "$name:$one"); done
  step "Naming $name@$digest: ${tags[*]}"
  change docker buildx imagetools create "${arguments[@]}" "$name@$digest" || fail "The image gets no further names." "docker's words are above."
}

# The container is made and never started: only its files are wanted.
program() {
  local container name
  [[ -n $digest && -n $arch && -n $output ]] || fail "program needs --digest, --arch and --output." "scripts/image.sh --help"
  name=$(repository)@$digest
  step "Copying the program out of $name, $arch"
  if ((dry_run)); then
    change docker create --platform "linux/$arch" "$name"
    return
  fi
  container=$(docker create --platform "linux/$arch" "$name") || fail "There is no image $name for $arch."
  docker cp "$container:/usr/local/bin/techcommerce" "$output" || fail "The program cannot be copied out."
  docker rm "$container" >/dev/null
  note "$output"
}

main() {
  read_arguments "$@"
  if [[ $what == name ]]; then
    repository
    return
  fi
  need docker "See https://docs.docker.com/engine/install/."
  "$what"
}

main "$@"
