# shellcheck shell=bash
# The cloud's own network: made, checked and removed. eth0 is never named.

# make_network: the bridge that is "the provider's network", and the namespace "internet" behind it
make_network() {
  if [ "$BACKEND" = linuxbridge ] && [ ! -e /sys/class/net/br-osext ]; then
    ip link add br-osext type bridge forward_delay 0 stp_state 0
    sysctl -qw net.ipv6.conf.br-osext.disable_ipv6=1
    ip link set br-osext up
  fi
  [ ! -e /run/netns/internet ] || return 0
  ip netns add internet
  ip link add osext-h type veth peer name ext0 netns internet
  sysctl -qw net.ipv6.conf.osext-h.disable_ipv6=1
  if [ "$BACKEND" = ovn ]; then
    ip link set osext-h up
    ovs-vsctl --timeout=20 --if-exists del-port osext-h -- add-port br-ex osext-h
    # OVS reads veths by packet socket: what the sender leaves to "hardware" (checksums, segmentation) would stay undone
    ip netns exec internet ethtool -K ext0 tx off tso off gso off >/dev/null
  else
    ip link set osext-h master br-osext up
  fi
  ip -n internet link set lo up
  ip -n internet link set ext0 up
  ip -n internet addr add 203.0.113.1/24 dev ext0
  ip -n internet addr add 2001:db8:203::1/64 dev ext0 nodad
  ip -n internet addr add 198.51.100.1/32 dev lo
}

network_ok() {
  local out
  out=$(ip -n internet -o addr show dev ext0 2>/dev/null) && [[ $out == *203.0.113.1/24* ]] || return 1
  [ "$BACKEND" = linuxbridge ] || return 0
  [ "$(basename "$(readlink -f /sys/class/net/osext-h/master)")" = br-osext ]
}

our_namespaces() { find /run/netns -mindepth 1 -printf '%f\n' 2>/dev/null | grep -E '^(internet|q(router|dhcp)-[0-9a-f-]{36}|i-[0-9a-f]{8}-[0-9a-f]{4})$' || true; }
our_links() { find /sys/class/net -mindepth 1 -printf '%f\n' | grep -E '^((tap|brq)[0-9a-f]{8}-[0-9a-f]{2}|br-osext|osext-h|br-int|br-ex|ovs-netdev|ovs-system|genev_sys_[0-9]+)$' || true; }
our_mounts() { awk -v d="$BASE/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r; }
our_ipsets() { ! command -v ipset >/dev/null || ipset list -n | grep -E '^N(IPv4|IPv6)' || true; }

# our_rules: every rule and chain that Neutron's agents made, as "FAMILY TABLE LINE" of iptables-save
our_rules() {
  local f t
  for f in iptables ip6tables ebtables; do
    command -v "$f-save" >/dev/null || continue
    # a table is read only if there is one: reading must not make it
    "$f-save" 2>/dev/null | awk -v f="$f" '/^\*/ {t = substr($1, 2)} /neutron/ {print f, t, $0}'
  done
}

# remove_rules: exactly those rules and chains, whatever else there is
remove_rules() {
  local f t chain line tables
  for f in iptables ip6tables; do
    tables=$(our_rules | awk -v f="$f" '$1 == f {print $2}' | sort -u)
    for t in $tables; do
      {
        echo "*$t"
        our_rules | awk -v f="$f" -v t="$t" '$1 == f && $2 == t' | cut -d' ' -f3- >"$STATE/rules"
        sed -n '/^-A neutron-/!s/^-A /-D /p' "$STATE/rules"             # jumps out of the machine's own chains
        sed -n 's/^:\(neutron-[^ ]*\).*/-F \1/p' "$STATE/rules"
        sed -n 's/^:\(neutron-[^ ]*\).*/-X \1/p' "$STATE/rules"
        echo COMMIT
      } | "$f-restore" --noflush || say "$f: the rules of table $t were not removed"
    done
  done
  if our_rules | grep -q '^ebtables'; then
    our_rules | sed -nE 's/^ebtables ([a-z]+) -A (neutron[^ ]*)? ?(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)? ?(.*)/\1 \3 \4/p' |
      while read -r t chain line; do
        case $chain in PREROUTING | INPUT | FORWARD | OUTPUT | POSTROUTING)
          # shellcheck disable=SC2086
          ebtables -t "$t" -D "$chain" $line || true ;;
        esac
      done
    our_rules | sed -nE 's/^ebtables ([a-z]+) :(neutron[^ ]*).*/\1 \2/p' | while read -r t chain; do
      ebtables -t "$t" -F "$chain" && ebtables -t "$t" -X "$chain" || true
    done
  fi
}

# remove_network: namespaces, links, rules, sets, mounts and cgroups of ours
remove_network() {
  local x c
  for x in $(our_namespaces); do ip netns del "$x" || true; done
  for x in $(our_links); do ip link del "$x" 2>/dev/null || true; done
  remove_rules
  for x in $(our_ipsets); do ipset destroy "$x" || true; done
  our_mounts | while read -r x; do umount "$x" 2>/dev/null || umount -l "$x" || true; done
  for c in $(cgroups); do
    [ ! -d "$c" ] || find "$c" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  rm -f "$STATE/rules"
}
