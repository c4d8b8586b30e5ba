# shellcheck shell=bash
# The machine's own network: recorded before the cloud comes up, given back and compared after it went.

# own_nics: lo and what has a device or a default route; not what the cloud or somebody's test makes for a while
own_nics() {
  {
    echo lo
    for d in /sys/class/net/*/device; do [ ! -e "$d" ] || basename "$(dirname "$d")"; done
    ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p'
    ip -6 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p'
  } | sort -u
}

# describe FOLDER: the machine's network as text files
describe() {
  local n names
  mkdir -p "$1"
  names=$(own_nics | paste -sd'|')
  for n in $(own_nics); do
    ip -br link show dev "$n" | awk '{print $1, $2, $3}'
    ip -br addr show dev "$n" scope global
  done >"$1/addresses"
  { ip route show table main; ip -6 route show table main; } |
    grep -E " dev ($names)( |\$)" | sed -E 's/ expires [0-9]+sec//' | sort >"$1/routes"
  { ip rule; ip -6 rule; } >"$1/policy-rules"
  sysctl -a 2>/dev/null | grep -E "^net\.(ipv4\.ip_forward|bridge\.[a-z0-9-]+|ipv4\.conf\.(all|default|${names//./\\.})\.[a-z_0-9]+|ipv6\.conf\.(all|default|${names//./\\.})\.[a-z_0-9]+) " |
    sort >"$1/sysctls"
  nft -s list ruleset 2>/dev/null >"$1/nft-ruleset" # it warns of tables that iptables made
  nft list tables >"$1/nft-tables"
}

# record_machine: once before each life of the cloud; an earlier record is kept until the cloud was
# removed cleanly or the machine rebooted, since only then nothing of ours is in it
record_machine() {
  local boot
  boot=$(cat /proc/sys/kernel/random/boot_id)
  if [ -e "$STATE/before/boot_id" ] && [ "$(cat "$STATE/before/boot_id")" = "$boot" ] && [ ! -e "$STATE/before/over" ]; then return; fi
  rm -rf "$STATE/before"
  describe "$STATE/before"
  if [ -d /sys/module/br_netfilter ]; then touch "$STATE/before/br_netfilter"; fi
  echo "$boot" >"$STATE/before/boot_id"
}

# give_back: tables that iptables-nft left empty, sysctls that an agent set, the module that we loaded
give_back() {
  local family table key old
  [ -e "$STATE/before/boot_id" ] || return 0
  nft list tables | while read -r _ family table; do
    grep -qxF "table $family $table" "$STATE/before/nft-tables" && continue
    # chains with a hook and the policy accept, and nothing in them
    if nft list table "$family" "$table" 2>/dev/null | awk '/^\t\t/ && !/^\t\ttype .* hook .* policy accept;$/ || /^\t(set|map) / {n++} END {exit n > 0}'; then
      nft delete table "$family" "$table"
    fi
  done
  if [ ! -e "$STATE/before/br_netfilter" ] && [ -d /sys/module/br_netfilter ]; then modprobe -r br_netfilter 2>/dev/null || true; fi
  while read -r key _ old; do
    [ "$(sysctl -n "$key" 2>/dev/null)" = "$old" ] || sysctl -qw "$key=$old" 2>/dev/null || true
  done <"$STATE/before/sysctls"
}

# compare_machine: prints what differs from the record; fails then, and when there is no record
compare_machine() {
  local f bad=0
  if [ ! -e "$STATE/before/boot_id" ]; then echo "no record of the machine's network in $STATE/before"; return 1; fi
  describe "$STATE/now"
  for f in addresses routes policy-rules sysctls nft-ruleset; do
    diff -u --label "before: $f" --label "now: $f" "$STATE/before/$f" "$STATE/now/$f" || bad=1
  done
  rm -rf "$STATE/now"
  return $bad
}
