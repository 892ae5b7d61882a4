# shellcheck shell=bash
# Rendering, applying, waiting. Part of deploy.sh.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

# How often to look at what is not done yet.
poll_seconds=${DEPLOY_POLL_SECONDS:-2}
part_of=app.kubernetes.io/part-of=techcommerce

# A folder for what this run writes, inside the tree because kustomize follows only relative paths.
make_workplace() {
  work=$(mktemp -d "$root/k8s/.deploy.XXXXXX")
  trap 'leave $?' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

find_overlay() {
  local folder
  for folder in overlays combinations; do
    if [[ -f $root/k8s/$folder/$overlay/kustomization.yaml ]]; then
      overlay_folder=../$folder/$overlay
      break
    fi
  done
  [[ -n ${overlay_folder:-} ]] || fail "There is no overlay $overlay." \
    "There are: $(cd "$root/k8s" && echo overlays/* combinations/*)"
  local component
  for component in ${components[@]+"${components[@]}"}; do
    [[ -f $root/k8s/components/$component/kustomization.yaml ]] || fail "There is no component $component." \
      "There are: $(cd "$root/k8s/components" && echo */)"
  done
  kubectl kustomize "$root/k8s/${overlay_folder#../}" >"$work/plain.yaml" ||
    fail "The overlay $overlay does not render." "kubectl's words are above."
  namespace=$(names_of Namespace "$work/plain.yaml" | head -n 1)
  [[ -n $namespace ]] || fail "The overlay $overlay makes no namespace."
}

# Removes the namespace and waits until it is gone. What belongs to no namespace (priority classes,
# roles of the cluster) may serve another shop and stays.
remove_shop() {
  step "Removing the namespace $namespace with all its data"
  if [[ -z $local_cluster ]] && ! ((confirmed)) && ! ((dry_run)); then
    [[ -t 0 ]] || fail "Removing $namespace from $context removes its data for good." \
      "If that is meant, say so: --yes"
    local answer
    read -r -p "      This removes $namespace from $context for good. Its name again, to go on: " answer
    [[ $answer == "$namespace" ]] || fail "Nothing was removed."
  fi
  change kube delete namespace "$namespace" --ignore-not-found --timeout="$timeout" ||
    fail "The namespace $namespace is not gone." "Look: kubectl --context $context get namespace $namespace -o yaml"
}

# minikube's NodePorts are at its own address, not at localhost; browsers may change something only
# from where the shop believes to be.
find_address() {
  address=""
  if [[ $local_cluster == minikube && $(setting TECHCOMMERCE_PUBLIC_URL "$work/plain.yaml") == http://localhost:30000 ]]; then
    address=192.0.2.1
    ((dry_run)) || address=$(minikube ip --profile "$minikube_profile") || fail "minikube does not say its address."
    address=http://$address:30000
  fi
}

# The overlay with the image of this run, as a file that can be applied and looked into.
render() {
  step "Rendering $overlay"
  rendered=$work/rendered.yaml
  find_address
  if [[ -z $image$address && ${#components[@]} == 0 ]]; then
    cp "$work/plain.yaml" "$rendered"
  else
    write_kustomization >"$work/kustomization.yaml"
    kubectl kustomize "$work" >"$rendered" || fail "The overlay $overlay does not render with ${image:-what was asked for}."
  fi
  note "$(grep -c '^kind: ' "$rendered") objects for the namespace $namespace"
}

write_kustomization() {
  say "apiVersion: kustomize.config.k8s.io/v1beta1"
  say "kind: Kustomization"
  say "resources:"
  say "  - $overlay_folder"
  ((${#components[@]} == 0)) || write_components
  [[ -z $image ]] || write_image
  [[ -z $address ]] || write_address
}

write_components() {
  local component
  # What a component brings belongs where the shop is.
  say "namespace: $namespace"
  say "components:"
  for component in "${components[@]}"; do say "  - ../components/$component"; done
}

write_address() {
  say "configMapGenerator:"
  say "  - name: techcommerce"
  say "    namespace: $namespace"
  say "    behavior: merge"
  say "    literals:"
  say "      - TECHCOMMERCE_PUBLIC_URL=$address"
}

write_image() {
  local name=${image%%@*} digest="" tag=""
  if [[ $image == *@* ]]; then
    digest=${image##*@}
  else
    name=${image%:*} tag=${image##*:}
  fi
  say "images:"
  say "  - name: $image_name"
  say "    newName: $name"
  if [[ -n $digest ]]; then say "    digest: $digest"; else say "    newTag: \"$tag\""; fi
}

# Keeps what is applied now, so that it can be put back: kubectl notes in each object what was last
# applied. Finished jobs are not run again.
remember() {
  ((dry_run)) && return
  step "Looking at what is there"
  local template='{{define "one"}}{{if ne .kind "Job"}}{{with .metadata.annotations}}{{with index . "kubectl.kubernetes.io/last-applied-configuration"}}{{.}}{{"---\n"}}{{end}}{{end}}{{end}}{{end}}{{if eq .kind "List"}}{{range .items}}{{template "one" .}}{{end}}{{else}}{{template "one" .}}{{end}}'
  kube get --filename "$rendered" --ignore-not-found --output "go-template=$template" >"$work/before.yaml" ||
    fail "The cluster cannot be asked for what the overlay holds." \
      "If it does not know a kind, a component needs something installed first: k8s/components/README.md."
  if grep -q '"kind":"Deployment"' "$work/before.yaml"; then
    update=1
    note "a shop; it is updated"
  else
    update=0
    note "no shop yet"
  fi
}

apply() {
  step "Applying"
  if ((dry_run)); then
    change kube apply --filename "$rendered"
    return
  fi
  clear_failed_jobs
  changed=1
  kube apply --filename "$rendered" | indent ||
    fail "Not everything could be applied." "kubectl's words are above."
}

# A job is named after its content, so what has not changed is not run again; one that failed is.
clear_failed_jobs() {
  local job state
  for job in $(names_of Job "$rendered"); do
    state=$(job_state "$job") || fail "The cluster cannot be asked for the job $job."
    if [[ $state == failed ]]; then
      in_shop delete job "$job" >/dev/null || fail "The failed job $job cannot be removed."
    fi
  done
}

# complete, failed, running or gone.
job_state() {
  local conditions
  conditions=$(in_shop get job "$1" --ignore-not-found \
    --output 'jsonpath={.metadata.name}{range .status.conditions[?(@.status=="True")]} {.type}{end}') || return 1
  case $conditions in
    "") echo gone ;;
    *Failed*) echo failed ;;
    *Complete*) echo complete ;;
    *) echo running ;;
  esac
}

wait_for_jobs() {
  local job
  for job in $(names_of Job "$rendered"); do
    step "Waiting for the job $job"
    ((dry_run)) || wait_for_job "$job"
  done
}

wait_for_job() {
  local state deadline=$((SECONDS + $(seconds "$timeout")))
  while :; do
    state=$(job_state "$1") || fail "The cluster cannot be asked for the job $1."
    case $state in
      # Finished jobs are cleared away by the cluster.
      complete | gone) note "done" && return ;;
      failed) fail "The job $1 failed." "Its log is below." ;;
    esac
    ((SECONDS < deadline)) || fail "The job $1 is not done after $timeout." "What it waits for is below."
    sleep "$poll_seconds"
  done
}

# setting VARIABLE [FILE]: its value in what is applied, if it is there.
setting() {
  sed -n "s/^  $1: *//p" "${2:-$rendered}" | head -n 1 | tr -d "\"'"
}

seconds() {
  local number=${1%[smh]}
  case $1 in
    *h) echo $((number * 3600)) ;;
    *m) echo $((number * 60)) ;;
    *) echo "$number" ;;
  esac
}

wait_for_rollouts() {
  local name
  for name in $(names_of StatefulSet "$rendered"); do wait_for_rollout "statefulset/$name"; done
  for name in $(names_of Deployment "$rendered"); do wait_for_rollout "deployment/$name"; done
  for name in $(names_of Rollout "$rendered"); do wait_for_canary "$name"; done
}

wait_for_rollout() {
  step "Waiting for $1"
  ((dry_run)) && return
  patiently kubectl --context "$context" --namespace "$namespace" rollout status "$1" --timeout="$timeout" ||
    fail "$1 did not come up within $timeout." "What its pods say is below."
}

# Argo Rollouts' own kind; a canary takes as long as its analysis. It is healthy also before the
# controller has seen that there is a new version, so what it has seen is asked for too.
wait_for_canary() {
  local deadline=$((SECONDS + 1800)) state
  step "Waiting for rollout/$1"
  ((dry_run)) && return
  while :; do
    state=$(canary_state "$1") || fail "The cluster cannot be asked for rollout/$1."
    case $state in
      done) note "healthy" && return ;;
      failed) fail "rollout/$1 is taken back: its analysis failed." \
        "Look: kubectl argo rollouts get rollout $1 --namespace $namespace" ;;
    esac
    ((SECONDS < deadline)) || fail "rollout/$1 is not healthy after half an hour." \
      "Look: kubectl argo rollouts get rollout $1 --namespace $namespace"
    sleep "$poll_seconds"
  done
}

# done, failed or under-way.
canary_state() {
  local generation phase seen stable latest
  generation=$(in_shop get deployment "$1" --output 'jsonpath={.metadata.generation}') || return 1
  phase=$(in_shop get rollout "$1" --output \
    'jsonpath={.status.phase} {.status.workloadObservedGeneration} {.status.stableRS} {.status.currentPodHash}') || return 1
  read -r phase seen stable latest <<<"$phase"
  if [[ $seen != "$generation" ]]; then
    echo under-way
  elif [[ $phase == Healthy && $stable == "$latest" ]]; then
    echo done
  elif [[ $phase == Degraded ]]; then
    echo failed
  else
    echo under-way
  fi
}

finish() {
  ((dry_run)) && step "That was all; nothing was changed" && return
  step "The shop is up"
  address=$(setting TECHCOMMERCE_PUBLIC_URL)
  say ""
  say "The shop:      ${address:-the address that its ingress gives it}"
  note "         if nothing answers there: http://127.0.0.1:3000 after"
  note "         kubectl --context $context --namespace $namespace port-forward service/frontend 3000:3000"
  say "Its admin:     admin@example.com, unless the setting admin.email says otherwise; the one-time password:"
  note "         kubectl --context $context --namespace $namespace get secret admin --output 'jsonpath={.data.password}' | base64 --decode"
  say "Look at it:    kubectl --context $context --namespace $namespace get pods"
  say "Remove it:     ./deploy.sh -c $cluster --overlay $overlay --cleanup-only"
}
