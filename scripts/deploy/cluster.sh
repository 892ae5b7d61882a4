# shellcheck shell=bash
# The cluster and the image. Part of deploy.sh.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

kind_cluster=dev-assessment
minikube_profile=minikube

# Sets `context` (what kubectl is to talk to) and `local_cluster` (kind, minikube or nothing).
find_cluster() {
  need kubectl "See https://kubernetes.io/docs/tasks/tools/."
  case $cluster in
    minikube) context=$minikube_profile local_cluster=minikube ;;
    kind) context=kind-$kind_cluster local_cluster=kind ;;
    current)
      context=$(kubectl config current-context 2>/dev/null) ||
        fail "kubectl has no current context." "Choose one: kubectl config use-context NAME"
      # A current cluster that is one of ours to load images into is treated as such.
      case $context in
        kind-*) local_cluster=kind kind_cluster=${context#kind-} ;;
        minikube) local_cluster=minikube ;;
        *) local_cluster="" ;;
      esac
      ;;
  esac
}

start_cluster() {
  step "Cluster: $context"
  case $cluster in
    minikube) start_minikube ;;
    kind) start_kind ;;
  esac
  ((dry_run)) && return
  kube version >/dev/null 2>&1 || fail "The cluster of the context $context does not answer." \
    "Look: kubectl --context $context version"
  note "it answers"
}

start_minikube() {
  need minikube "See https://minikube.sigs.k8s.io/docs/start/, or use another cluster: -c kind, -c current."
  if minikube status --profile "$minikube_profile" >/dev/null 2>&1; then
    note "minikube runs"
  else
    # Calico, because minikube's own network ignores network policies.
    change minikube start --profile "$minikube_profile" --cpus=4 --memory=8192 --cni=calico ||
      fail "minikube does not start." "Its own words are above; start over with: minikube delete"
  fi
  # Autoscaling asks it for the pods' load.
  change minikube addons enable metrics-server --profile "$minikube_profile" ||
    complain "warning: without metrics-server nothing is scaled by its load."
}

start_kind() {
  need kind "See https://kind.sigs.k8s.io/, or use another cluster: -c minikube, -c current."
  if kind get clusters 2>/dev/null | grep -qx "$kind_cluster"; then
    note "kind has the cluster $kind_cluster"
  else
    change kind create cluster --name "$kind_cluster" --config "$root/scripts/deploy/kind.yaml" --wait 120s ||
      fail "kind does not make the cluster." "Its own words are above; start over with: kind delete cluster --name $kind_cluster"
  fi
}

# Docker, or podman where that is what there is; nothing where there is neither.
container_tool() {
  if command -v docker >/dev/null 2>&1; then
    echo docker
  elif command -v podman >/dev/null 2>&1; then
    echo podman
  fi
}

# Sets `image`, if it is to be another one than the overlay names.
prepare_image() {
  image=$wanted_image
  if [[ -n $image ]]; then
    step "Image: $image, as told"
    return
  fi
  step "Image"
  if [[ -z $local_cluster ]]; then
    note "$context is not a cluster of this machine: it pulls what the overlay names"
    return
  fi
  local tool
  tool=$(container_tool)
  if ((build)); then
    [[ -n $tool ]] || fail "Neither docker nor podman is installed." \
      "Install one, or deploy an image that is there: --no-build or --image REFERENCE."
    change "$tool" build --tag "$image_name:local" "$root" ||
      fail "The image does not build." "Its own words are above."
  elif [[ -z $tool ]] || ! "$tool" image inspect "$image_name:local" >/dev/null 2>&1; then
    note "there is no $image_name:local: the overlay's image is expected in the cluster"
    return
  fi
  name_by_content "$tool"
  load_image "$tool"
}

# A tag that follows from what is in the image: the same build changes nothing in the cluster,
# another one rolls out.
name_by_content() {
  local id=sha256:000000000000
  if ! ((dry_run)); then
    id=$("$1" image inspect --format '{{.Id}}' "$image_name:local") ||
      fail "The image that was just built is not there."
  fi
  id=${id#sha256:}
  image=$image_name:local-${id:0:12}
  change "$1" tag "$image_name:local" "$image" || fail "The image cannot be tagged as $image."
  note "$image"
}

load_image() {
  local archive=$work/image.tar
  case $local_cluster-$1 in
    kind-docker) change kind load docker-image "$image" --name "$kind_cluster" ;;
    minikube-docker) change minikube image load "$image" --profile "$minikube_profile" ;;
    # Neither of them looks into podman's store.
    *)
      change "$1" save --output "$archive" "$image" &&
        if [[ $local_cluster == kind ]]; then
          change kind load image-archive "$archive" --name "$kind_cluster"
        else
          change minikube image load "$archive" --profile "$minikube_profile"
        fi
      ;;
  esac || fail "The image cannot be loaded into the cluster." "Its own words are above."
}
