#!/usr/bin/env bash
# The whole of it: cluster, ingress, monitoring, logging, tracing and the shop. --help says how.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/deploy/cluster.sh
source "$root/scripts/deploy/cluster.sh"

# The chart that k8s/monitoring/kube-prom-values.yaml was written for.
chart_version=75.13.0

usage() {
  cat <<'END'
Brings everything into a cluster: Prometheus, Alertmanager and Grafana (kube-prometheus-stack as the
Helm release kps in the namespace monitoring) with what they measure, warn of and show; the logs of all
pods (Fluent Bit and Loki, namespace logging); traces (a collector and Tempo, namespace tracing); on
minikube an ingress controller with a self-signed certificate for the local names; and then the shop by
deploy.sh, sending its traces.
Run it again: what has not changed stays.

Usage: scripts/deploy_infra.sh [OPTIONS] [OPTIONS OF deploy.sh]

      --no-monitoring   without Prometheus and Grafana
      --no-logging      without the collection of logs
      --no-tracing      without the collection of traces
      --remove          remove monitoring, logging and tracing; the shop by deploy.sh --cleanup-only
  -h, --help            this text; ./deploy.sh --help lists the others

Needs what deploy.sh needs, helm for monitoring, openssl for the certificate.
END
}

cluster=minikube monitoring=1 logging=1 tracing=1 remove=0
passed_on=()

read_arguments() {
  while (($#)); do
    case $1 in
      --no-monitoring) monitoring=0 ;;
      --no-logging) logging=0 ;;
      --no-tracing) tracing=0 ;;
      --remove) remove=1 ;;
      -h | --help) usage && exit 0 ;;
      -c | --cluster)
        (($# > 1)) || fail "$1 needs a value." "It is minikube, kind or current."
        cluster=$2
        passed_on+=("$1" "$2")
        shift
        ;;
      --cleanup-only)
        fail "--cleanup-only is deploy.sh's." "./deploy.sh --cleanup-only removes the shop, --remove what is around it."
        ;;
      --dry-run)
        dry_run=1
        passed_on+=("$1")
        ;;
      # Whatever else is deploy.sh's to judge.
      *) passed_on+=("$1") ;;
    esac
    shift
  done
  known_cluster "$cluster"
}

# Grafana's password is made here, once, at random, and is nowhere but in the cluster.
make_grafana_password() {
  kube --namespace monitoring get secret grafana-admin >/dev/null 2>&1 && return
  local password
  password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  if ((dry_run)); then
    note "would make the Secret grafana-admin"
    return
  fi
  kube --namespace monitoring create secret generic grafana-admin \
    --from-literal=admin-user=admin --from-file=admin-password=<(printf '%s' "$password") ||
    fail "The Secret grafana-admin cannot be made."
}

install_monitoring() {
  step "Monitoring: kube-prometheus-stack $chart_version"
  need helm "See https://helm.sh/docs/intro/install/, or go without: --no-monitoring."
  change kube apply --kustomize "$root/k8s/monitoring/rbac" || fail "The namespace monitoring cannot be made."
  # The values name this Secret: without it Alertmanager would begin with a configuration that tells nobody.
  change kube apply --kustomize "$root/k8s/monitoring/alertmanager" || fail "Alertmanager's configuration cannot be applied."
  kube --namespace monitoring get secret alertmanager-receivers >/dev/null 2>&1 ||
    note "alerts reach nobody yet: docs/alerts.md says how to set mail, Slack and PagerDuty up"
  make_grafana_password
  local more=()
  # As the dev overlay publishes the frontend: at a port of the node, which kind's nodes hand on.
  [[ -z $local_cluster ]] || more=(--set grafana.service.type=NodePort --set grafana.service.nodePort=30030)
  change helm repo add prometheus-community https://prometheus-community.github.io/helm-charts --force-update ||
    fail "Helm does not reach the charts."
  change helm upgrade kps prometheus-community/kube-prometheus-stack --install \
    --version "$chart_version" --namespace monitoring --kube-context "$context" \
    --values "$root/k8s/monitoring/kube-prom-values.yaml" ${more[@]+"${more[@]}"} --wait --timeout 15m ||
    fail "Monitoring does not come up." "Look: kubectl --context $context --namespace monitoring get pods,events"
  apply_folder monitoring
}

install_logging() {
  step "Logs: Fluent Bit and Loki"
  apply_folder logging
  wait_for logging statefulset/loki daemonset/fluent-bit
}

install_tracing() {
  step "Traces: collector and Tempo"
  apply_folder tracing
  wait_for tracing statefulset/tempo deployment/otel-collector
}

# apply_folder NAME: what k8s/NAME holds.
apply_folder() {
  change kube apply --kustomize "$root/k8s/$1" || fail "k8s/$1 cannot be applied." "kubectl's words are above."
}

# wait_for NAMESPACE WORKLOAD…: until all of them serve.
wait_for() {
  local namespace=$1 workload
  shift
  for workload in "$@"; do
    change kube --namespace "$namespace" rollout status "$workload" --timeout=10m ||
      fail "$workload in $namespace does not come up." \
        "Look: kubectl --context $context --namespace $namespace describe $workload; get pods,events"
  done
}

install_ingress() {
  [[ $local_cluster == minikube ]] || return 0
  step "Ingress"
  change minikube addons enable ingress --profile "$minikube_profile" ||
    fail "minikube's ingress controller does not come up."
}

# For Grafana at https://monitoring.test. The shop's own comes with its namespace.
make_certificate() {
  [[ $local_cluster == minikube ]] && ((monitoring)) || return 0
  change "$root/scripts/make_certificate.sh" --context "$context" --apply monitoring || exit 1
}

remove_all() {
  step "Removing monitoring, logging and tracing"
  if ((monitoring)); then
    need helm "See https://helm.sh/docs/intro/install/."
    change helm uninstall kps --namespace monitoring --kube-context "$context" --ignore-not-found --wait ||
      fail "Helm cannot remove kps."
    change kube delete namespace monitoring --ignore-not-found || fail "The namespace monitoring is not gone."
  fi
  if ((logging)); then
    remove_folder logging
  fi
  if ((tracing)); then
    remove_folder tracing
  fi
}

# remove_folder NAME: the namespace, and what k8s/NAME has brought beside it.
remove_folder() {
  change kube delete --kustomize "$root/k8s/$1" --ignore-not-found || fail "What k8s/$1 brought is not gone."
}

main() {
  read_arguments "$@"
  find_cluster
  if ((remove)); then
    remove_all
    return
  fi
  start_cluster
  install_ingress
  ((!monitoring)) || install_monitoring
  make_certificate
  ((!logging)) || install_logging
  ((!tracing)) || install_tracing
  step "The shop"
  ((!tracing)) || passed_on+=(--component tracing)
  "$root/deploy.sh" ${passed_on[@]+"${passed_on[@]}"}
  ((monitoring)) || return 0
  say ""
  say "Grafana:       kubectl --context $context --namespace monitoring port-forward service/kps-grafana 3030:80"
  say "               user admin; the password:"
  note "         kubectl --context $context --namespace monitoring get secret grafana-admin --output 'jsonpath={.data.admin-password}' | base64 --decode"
}

main "$@"
