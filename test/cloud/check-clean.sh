#!/bin/bash
# Asserts that nothing of the cloud is there: process, namespace, link, rule, set, mount, cgroup; and that the machine's own
# network (addresses, routes, rules, sysctls, nftables) is what it was before up. Prints what is left; exit status 1 then.
. "$(dirname "$0")/lib/common.sh"
. "$HERE/lib/process.sh"
. "$HERE/lib/network.sh"
. "$HERE/lib/machine.sh"

bad=0
none() { # WHAT LISTCMD...
  local list
  list=$("${@:2}")
  if [ -n "$list" ]; then
    printf '%d %s left, the first of them:\n' "$(wc -l <<<"$list")" "$1"
    sed -n '1,10s/^/  /p' <<<"$list"
    bad=1
  fi
}
processes() { local p; for p in $(all_ours); do ps -o pid=,args= -p "$p" | cut -c1-140; done; }
cgroup_dirs() { local c; for c in $(cgroups); do [ ! -d "$c" ] || echo "$c"; done; }
none processes processes
none namespaces our_namespaces
none links our_links
none rules our_rules
none ipsets our_ipsets
none mounts our_mounts
none cgroups cgroup_dirs
if [ -e "$STATE/before" ]; then
  compare_machine || bad=1
  [ $bad = 1 ] || touch "$STATE/before/over"
else
  echo "no cloud came up since the machine did: its own network is not compared"
fi
[ $bad = 0 ] && echo "clean: no process, namespace, link, rule, ipset, mount or cgroup of the cloud$([ ! -e "$STATE/before" ] || echo "; the machine's own network is as before")"
exit $bad
