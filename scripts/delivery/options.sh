# shellcheck shell=bash
# What the commands of a delivery share: their options, and what they work on. Sourced by them after
# lib.sh and scripts/deploy; each says in `takes` which of these options it knows.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

context="" namespace="" overlay="" components=() wanted_image="" manifests="" revision=""
timeout=600s confirmed=0 take_over=0
# deploy.sh's, which a delivery has no use for: its cluster is kubectl's, its image is built already.
local_cluster="" image=""

read_arguments() {
  while (($#)); do
    used=1
    own_option "$@" || common_option "$@"
    shift "$used"
  done
  [[ $timeout =~ ^[1-9][0-9]*[smh]$ ]] || fail "$timeout is not a time." "Write it as 600s, 10m or 1h."
  [[ -z $manifests || -z $overlay ]] || fail "--manifests and --overlay are two ways to say the same."
}

# Sets `used`: how many words the option is.
common_option() {
  case $1 in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=1 && return ;;
  esac
  [[ $takes == *" $1 "* ]] || fail "There is no option $1." "$command --help lists them."
  case $1 in
    --take-over) take_over=1 && return ;;
  esac
  value "$@"
  used=2
  case $1 in
    --context) context=$2 ;;
    --namespace) namespace=$2 ;;
    --overlay) overlay=$2 ;;
    --component) components+=("$2") ;;
    --image) wanted_image=$2 ;;
    --manifests) manifests=$2 ;;
    --revision) revision=$2 ;;
    --timeout) timeout=$2 ;;
  esac
}

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "$command --help says which."
}

# What is deployed has to be the bytes that were built, scanned and signed: a tag may move.
need_digest() {
  [[ $1 =~ ^[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}$ ]] ||
    fail "$1 is no image by its digest." "Write it as name@sha256:… (64 hexadecimal digits)."
}

find_context() {
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  if [[ -z $context ]]; then
    context=$(kubectl config current-context 2>/dev/null) ||
      fail "kubectl has no current context." "Name one: --context NAME"
  fi
}

# Sets `rendered` and `namespace`: the manifests of the arguments.
find_manifests() {
  if [[ -n $manifests ]]; then
    [[ -f $manifests ]] || fail "There is no file $manifests." "scripts/render.sh writes one."
    rendered=$work/rendered.yaml
    cp "$manifests" "$rendered"
    namespace=$(names_of Namespace "$rendered" | head -n 1)
    [[ -n $namespace ]] || fail "$manifests holds no namespace." "Is it what scripts/render.sh wrote?"
  else
    [[ -n $overlay ]] || fail "--overlay or --manifests is needed." "$command --help"
    [[ -z $wanted_image ]] || need_digest "$wanted_image"
    image=$wanted_image
    find_overlay
    render
  fi
}

# The manifests of the arguments, or else those that the shop is recorded to run.
find_manifests_or_current() {
  if [[ -n $manifests$overlay ]]; then
    find_manifests
  else
    namespace=${namespace:-techcommerce}
    read_releases || fail "The cluster cannot be asked for the releases of $namespace."
    [[ -n $current ]] || fail "No release is recorded in $namespace." "Say what to look at: --overlay or --manifests."
    rendered=$work/rendered.yaml
    read_record "$current" "$rendered" || fail "The record of release $current cannot be read."
  fi
}

# The shop's image in a rendered file: that of its services.
image_in() { images_in "$1" | sed -n 's/^frontend //p' | head -n 1; }

# images_in FILE: each Deployment with the image of its first container.
images_in() {
  part "$1" only Deployment | awk '
    /^---/ { name = ""; inside = 0; done = 0; next }
    /^[a-z]/ { inside = ($1 == "metadata:") }
    inside && /^  name: / { name = $2 }
    /^ +(- )?image: / && !done { sub(/^ +(- )?image: /, ""); gsub(/"/, ""); print name, $0; done = 1 }
  ' | sort
}

# The same of what the cluster holds.
live_images() {
  in_shop get deployments --selector "$part_of" --output \
    'jsonpath={range .items[*]}{.metadata.name} {.spec.template.spec.containers[0].image}{"\n"}{end}' | sort
}

# Where the world finds the shop, as its settings say.
public_address() {
  local address
  address=$(setting TECHCOMMERCE_PUBLIC_URL)
  [[ $address =~ ^https?://[^/]+/?$ ]] || fail "The manifests name no public address." "TECHCOMMERCE_PUBLIC_URL, in the overlay's techcommerce.env."
  say "${address%/}"
}
