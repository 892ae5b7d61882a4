# shellcheck shell=bash
# A backup before a release, by the CronJob that takes them anyway. Part of deliveries.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

# As long as the Job itself may take, and a little.
backup=0 backup_cronjob=backup backup_timeout=130m

# take_backup NAME: makes the Job and waits until it is complete.
take_backup() {
  local job=$1 state deadline tries=0
  step "Taking a backup: the Job $job"
  if ((dry_run)); then
    change kube --namespace "$namespace" create job "$job" --from="cronjob/$backup_cronjob"
    return
  fi
  in_shop get cronjob "$backup_cronjob" --output name >/dev/null ||
    fail "There is no CronJob $backup_cronjob to take a backup by." "docs/disaster-recovery.md says how backups are set up; without one, leave --backup out."
  until in_shop create job "$job" --from="cronjob/$backup_cronjob" >/dev/null; do
    state=$(job_state "$job") || state=gone
    # What was answered got lost; what was asked for did not.
    [[ $state == gone ]] || break
    ((++tries < 4)) || fail "The Job $job cannot be made."
    pause "$tries"
  done
  deadline=$((SECONDS + $(seconds "$backup_timeout")))
  while :; do
    state=$(job_state "$job") || fail "The cluster cannot be asked for the Job $job."
    case $state in
      complete) note "taken" && return ;;
      failed) fail "The backup failed." "Its log: kubectl --context $context --namespace $namespace logs job/$job" ;;
      gone) fail "The Job $job is gone before it was complete." ;;
    esac
    ((SECONDS < deadline)) || fail "The backup is not taken after $backup_timeout."
    sleep "$poll_seconds"
  done
}
