#!/bin/bash
# Says of each service whether it runs and answers. Exit status 0: all do; 1: some; 3: nothing runs. --quiet prints nothing.
. "$(dirname "$0")/lib/common.sh"
. "$HERE/lib/process.sh"
. "$HERE/lib/network.sh"
. "$HERE/lib/services.sh"

[ "${1:-}" != --quiet ] || exec >/dev/null 2>&1
bad=0 running=0
declare -A report=()
if [ -d "$RUN" ] && pid_of keystone >/dev/null && answers keystone; then
  while read -r name state; do report[$name]=$state; done < <(python3 "$HERE/lib/agents.py" "$BACKEND" 2>/dev/null || true)
fi
printf '%-28s %-8s %s\n' "SERVICE ($BACKEND)" PID ANSWERS
for s in $(services); do
  if ! pid=$(pid_of "$s"); then
    printf '%-28s %-8s %s\n' "$s" - "not running"
    bad=1
    continue
  fi
  running=1
  case $s in
    nova-conductor | nova-scheduler | nova-compute | neutron-*-agent) state=${report[$s]:-unknown} ;;
    *) state=no; if answers "$s"; then state=yes; fi ;;
  esac
  case $state in
    up) state="yes, reports" ;;
    yes) ;;
    *) bad=1 ;;
  esac
  printf '%-28s %-8s %s\n' "$s" "$pid" "$state"
done
check() { # WHAT CMD...
  local state=yes
  "${@:2}" >/dev/null 2>&1 || { state=no; bad=1; }
  printf '%-28s %-8s %s\n' "$1" "" "$state"
}
check "external network" network_ok
check "guest image" test -d "$BASE/images/debian"
check "bootstrapped" test -e "$BASE/.resources" -a -s "$ETC/appcred"
[ "$BACKEND" != ovn ] || check "chassis known to Neutron" test "${report[ovn-controller]:-}" = up
[ $bad = 1 ] || exit 0
[ $running = 1 ] || exit 3
exit 1
