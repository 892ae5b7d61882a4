# shellcheck shell=bash
# The faults: what each is, what must hold while it lasts, how it is seen, how it is made and undone.
# Part of chaos.sh.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

faults=(pod-killed service-gone worker-gone database-gone redis-gone partition node-drained node-cordoned
  cpu-stress secret-removed bad-image quota-used)

known_fault() {
  local name
  for name in "${faults[@]}"; do [[ $name != "$1" ]] || return 0; done
  return 1
}

# describe FAULT: sets what, holds (for looking), holds_text (for people), alert, needs (seconds).
describe() {
  holds="pages carts" holds_text="pages are shown, carts and orders are taken" alert="" needs=120
  case $1 in
    pod-killed) what="a pod of order-api is killed without notice" ;;
    service-gone)
      what="order-api is scaled to nothing"
      holds=pages holds_text="pages are shown, people sign in; carts and orders say: later"
      alert=ServiceDown needs=300
      ;;
    worker-gone)
      what="the worker is scaled to nothing"
      holds_text="all of the shop; payments and mails wait and are made up for"
      alert=ServiceDown needs=300
      ;;
    database-gone)
      what="PostgreSQL in the cluster is scaled to nothing"
      holds=pages holds_text="products are shown as they were last; all else says: later"
      alert=DatabaseUnreachable needs=300
      ;;
    redis-gone)
      what="Redis in the cluster is scaled to nothing"
      holds_text="browsing and guests' orders; signing in says: later"
      alert=RedisUnreachable needs=300
      ;;
    partition)
      what="order-api is cut off from everything: its network policy selects nobody, default-deny stays"
      holds=pages holds_text="pages are shown; carts and orders say: later"
      alert=DatabaseUnreachable needs=400
      ;;
    node-drained) what="a node with a pod of the frontend is drained: needs two nodes" needs=180 ;;
    node-cordoned) what="a node takes nothing new, and a pod of api on it is deleted: needs two nodes" ;;
    cpu-stress) what="four pods of low rank burn what processors the nodes have to spare" needs=180 ;;
    secret-removed)
      what="the key of order-api is deleted, and one of its pods"
      holds_text="all of the shop: the other pods go on; the new one waits for its key"
      alert=ReplicasMissing needs=900
      ;;
    bad-image)
      what="api is to be brought out with an image that there is not"
      holds_text="all of the shop: the version before serves on"
      alert=ImageNotStarting needs=600
      ;;
    quota-used)
      what="the namespace may have no more pods than it has"
      alert=QuotaNearlyUsed needs=1200
      ;;
  esac
}

make_pod_killed() {
  undo=undo_pod_killed
  delete_one order-api --grace-period=0 --force
}
undo_pod_killed() { rolled_out deployment/order-api; }

make_service_gone() { scale_to_nothing deployment/order-api; }
make_worker_gone() { scale_to_nothing deployment/worker; }
make_database_gone() { scale_to_nothing statefulset/postgres; }
make_redis_gone() { scale_to_nothing deployment/redis; }

# scale_to_nothing OBJECT: and back to as many as there were. An autoscaler leaves alone what is at 0.
scale_to_nothing() {
  scaled=$1
  were=$(in_shop get "$scaled" --output 'jsonpath={.spec.replicas}') ||
    fail "There is no $scaled in $namespace." "This fault is for a cluster that has its own."
  [[ $were =~ ^[1-9][0-9]*$ ]] || fail "$scaled is at ${were:-nothing} already."
  undo=undo_scale
  change kube --namespace "$namespace" scale "$scaled" --replicas=0
}
undo_scale() {
  change kube --namespace "$namespace" scale "$scaled" "--replicas=$were" && rolled_out "$scaled"
}

# Policies only allow: one that selects nobody leaves its pods with what denies all.
make_partition() {
  undo=undo_partition
  select_by_policy order-api nobody
  # Connections that are open already may outlive a policy.
  delete_one order-api
}
undo_partition() { select_by_policy order-api order-api && rolled_out deployment/order-api; }

# select_by_policy POLICY NAME: whose pods it is for.
select_by_policy() {
  change kube --namespace "$namespace" patch networkpolicy "$1" --type=json --patch \
    "[{\"op\":\"replace\",\"path\":\"/spec/podSelector/matchLabels/app.kubernetes.io~1name\",\"value\":\"$2\"}]"
}

make_node_drained() {
  choose_node frontend
  undo=undo_node
  change kube drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout=150s
}

make_node_cordoned() {
  choose_node api
  undo=undo_node
  change kube cordon "$node"
  change kube --namespace "$namespace" delete "$pod"
}
undo_node() { change kube uncordon "$node" && rolled_out deployment/frontend && rolled_out deployment/api; }

# choose_node SERVICE: one that runs it, if there is another to go to.
choose_node() {
  (($(kube get nodes --output name | wc -l) > 1)) ||
    fail "The cluster has one node." "What is on it could go nowhere; this fault needs two."
  choose_pod "$1"
  node=$(in_shop get "$pod" --output 'jsonpath={.spec.nodeName}')
  [[ -n $node ]] || fail "$pod is on no node."
}

# In the shop's own namespace, as restricted as its pods.
make_cpu_stress() {
  undo=undo_cpu_stress
  local number overrides='{"spec":{"automountServiceAccountToken":false,"priorityClassName":"","terminationGracePeriodSeconds":0,"securityContext":{"runAsNonRoot":true,"runAsUser":65534,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"stress","image":"busybox:1.37","command":["sh","-c","while :; do :; done"],"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"cpu":"2","memory":"32Mi"}},"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}}]}}'
  for number in 1 2 3 4; do
    change kube --namespace "$namespace" run "chaos-stress-$number" --image=busybox:1.37 --restart=Never \
      --labels=chaos=stress "--overrides=$overrides"
  done
}
undo_cpu_stress() {
  change kube --namespace "$namespace" delete pods --selector chaos=stress --ignore-not-found --grace-period=0 --force
}

# The Secret is kept in memory alone.
make_secret_removed() {
  secret=$(in_shop get secret order-api-key --output json) || fail "There is no Secret order-api-key in $namespace."
  [[ -n $secret ]] || fail "The Secret order-api-key cannot be read, and so not be put back."
  undo=undo_secret_removed
  change kube --namespace "$namespace" delete secret order-api-key
  delete_one order-api
}
undo_secret_removed() {
  if ((dry_run)); then
    note "would put the Secret order-api-key back"
  else
    # Where an operator makes it, it may be there again.
    in_shop get secret order-api-key --output name >/dev/null 2>&1 ||
      in_shop create --filename - <<<"$secret" || return 1
  fi
  rolled_out deployment/order-api
}

make_bad_image() {
  undo=undo_bad_image
  change kube --namespace "$namespace" set image deployment/api api=ghcr.io/techcommerce/techcommerce:is-not-there
}
undo_bad_image() {
  change kube --namespace "$namespace" rollout undo deployment/api && rolled_out deployment/api
}

make_quota_used() {
  local used
  quota=$(in_shop get resourcequota --output 'jsonpath={.items[0].metadata.name}')
  hard=$(in_shop get resourcequota --output 'jsonpath={.items[0].spec.hard.pods}')
  used=$(in_shop get resourcequota --output 'jsonpath={.items[0].status.used.pods}')
  [[ -n $quota && -n $hard && -n $used ]] || fail "$namespace has no quota of pods."
  undo=undo_quota_used
  allow_pods "$used"
}
undo_quota_used() { allow_pods "$hard"; }

allow_pods() {
  change kube --namespace "$namespace" patch resourcequota "$quota" --patch "{\"spec\":{\"hard\":{\"pods\":\"$1\"}}}"
}

# choose_pod SERVICE: sets pod, as pod/NAME.
choose_pod() {
  pod=$(in_shop get pods --selector "app.kubernetes.io/name=$1" --field-selector status.phase=Running --output name | head -n 1)
  [[ -n $pod ]] || fail "No pod of $1 runs in $namespace."
}

# delete_one SERVICE [ARGUMENTS]
delete_one() {
  choose_pod "$1"
  change kube --namespace "$namespace" delete "$pod" --wait=false "${@:2}"
}

rolled_out() {
  if ((dry_run)); then
    note "would wait for $1"
  else
    in_shop rollout status "$1" --timeout=300s | indent
  fi
}
