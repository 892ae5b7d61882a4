# shellcheck shell=bash
# What a namespace knows of its releases. Part of deliveries.
#
# The ConfigMap `releases` says which release runs (`current`), which ran before it, and which is being
# brought at this moment (`under-way`) by whom since when: that is the lock as well. It is only ever
# replaced as the version that was read, so of two who begin at once one is refused by the cluster.
# Each release is an immutable ConfigMap `release-N` with its image, revision, time, and the manifests
# that were applied.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

# How many releases one can go back to.
kept=20
# Who holds the lock: a run of the pipeline says it by itself, so that its next step is the same one.
me=${RELEASE_RUN:-${HOSTNAME:-somebody}-$$}
# A run that has said nothing for so long is taken for dead.
lock_seconds=14400

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# Sets what the ConfigMap says; all empty where there is none. Fails if the cluster does not answer.
read_releases() {
  local key text template='{{.metadata.resourceVersion}}{{"\n"}}{{range $key, $text := .data}}{{$key}} {{$text}}{{"\n"}}{{end}}'
  pointer_version="" current="" previous="" last=0 under_way="" holder="" since=0 history=""
  in_shop get configmap releases --ignore-not-found --output "go-template=$template" >"$work/releases" || return 1
  [[ -s $work/releases ]] || return 0
  {
    read -r pointer_version
    while read -r key text; do
      case $key in
        current) current=$text ;;
        previous) previous=$text ;;
        last) last=$text ;;
        under-way) under_way=$text ;;
        holder) holder=$text ;;
        since) since=$text ;;
        history) history=$text ;;
      esac
    done
  } <"$work/releases"
}

# write_releases CURRENT PREVIOUS LAST UNDER-WAY: replaces what was read last. An answer that got lost may
# have been obeyed, so after a failure it is looked up before it is tried again.
write_releases() {
  local tries=0 version wanted="$1|$2|$3|$4" from=$pointer_version past=$history at=$since who=$me verb=replace
  if [[ -n $4 && $4 != "$under_way" ]]; then at=$(date +%s); fi
  [[ -n $4 ]] || who="" at=0
  if [[ -n $1 && $1 != "$current" ]]; then past="$past $(now)=$1"; fi
  past=$(tail -c 2000 <<<"${past# }")
  while :; do
    {
      say "apiVersion: v1"
      say "kind: ConfigMap"
      say "metadata:"
      say "  name: releases"
      say "  namespace: $namespace"
      [[ -z $from ]] || say "  resourceVersion: \"$from\""
      say "  labels:"
      say "    app.kubernetes.io/part-of: techcommerce"
      say "data:"
      say "  current: \"$1\""
      say "  previous: \"$2\""
      say "  last: \"$3\""
      say "  under-way: \"$4\""
      say "  holder: \"$who\""
      say "  since: \"$at\""
      say "  history: \"$past\""
    } >"$work/releases.yaml"
    [[ -n $from ]] || verb=create
    if version=$(in_shop "$verb" --filename "$work/releases.yaml" --output 'jsonpath={.metadata.resourceVersion}'); then
      pointer_version=$version current=$1 previous=$2 last=$3 under_way=$4 holder=$who since=$at history=$past
      return 0
    fi
    if read_releases; then
      [[ $current\|$previous\|$last\|$under_way != "$wanted" || $holder != "$who" ]] || return 0
      # Somebody else has written.
      [[ $pointer_version == "$from" ]] || return 1
    fi
    ((++tries < 4)) || return 1
    pause "$tries"
  done
}

# Longer each time.
pause() { sleep "$(awk -v each="$poll_seconds" -v times="$1" 'BEGIN { print each * times }')"; }

# write_record NUMBER FILE: once, and for good. Secrets are no part of a release: they are made in the
# cluster or brought by others, and a ConfigMap is no place for them.
write_record() {
  local tries=0 archive
  archive=$(part "$2" except Secret | gzip -n9 | base64 | tr -d '\n')
  {
    say "apiVersion: v1"
    say "kind: ConfigMap"
    say "metadata:"
    say "  name: release-$1"
    say "  namespace: $namespace"
    say "  labels:"
    say "    app.kubernetes.io/part-of: techcommerce"
    say "    techcommerce.io/release: \"$1\""
    say "immutable: true"
    say "data:"
    say "  image: \"$(image_in "$2")\""
    say "  revision: \"${revision:-unknown}\""
    say "  time: \"$(now)\""
    say "binaryData:"
    say "  manifests.yaml.gz: $archive"
  } >"$work/record.yaml"
  while ! in_shop create --filename "$work/record.yaml" >/dev/null; do
    [[ -z $(in_shop get configmap "release-$1" --ignore-not-found --output name) ]] || return 0
    ((++tries < 4)) || return 1
    pause "$tries"
  done
}

# read_record NUMBER FILE: its manifests.
read_record() {
  local archive
  archive=$(in_shop get configmap "release-$1" --output 'go-template={{index .binaryData "manifests.yaml.gz"}}') || return 1
  base64 --decode <<<"$archive" | gzip -dc >"$2"
}

# One line each: number, time, revision, image; the latest first.
list_records() {
  in_shop get configmaps --selector techcommerce.io/release --output \
    'go-template={{range .items}}{{index .metadata.labels "techcommerce.io/release"}} {{.data.time}} {{.data.revision}} {{.data.image}}{{"\n"}}{{end}}' |
    sort -rn
}

# about NUMBER: a release as one says it.
about() {
  local line
  line=$(list_records 2>/dev/null | awk -v number="$1" '$1 == number { print "release " $1 ", " $4 ", of revision " $3; exit }') || line=""
  say "${line:-release $1}"
}

# find_release WHICH: its number, from a number, `previous`, a revision or a digest.
find_release() {
  local which=$1 found
  [[ $which != previous ]] || which=${previous:-none}
  found=$(list_records | awk -v which="$which" '
    $1 == which || (length(which) >= 7 && index($3, which) == 1) || (which ~ /^sha256:/ && index($4, "@" which)) { print $1; exit }')
  [[ -n $found ]] || fail "There is no release $1 in $namespace." "$command --list tells which there are."
  say "$found"
}

# What is older than one may want to go back to; not worth failing for.
forget_old_records() {
  local number
  list_records 2>/dev/null | tail -n "+$((kept + 1))" | while read -r number _; do
    [[ $number != "$current" && $number != "$previous" ]] || continue
    in_shop delete configmap "release-$number" --ignore-not-found >/dev/null 2>&1 || true
  done
}
