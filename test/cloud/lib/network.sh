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
  local f
  for f in iptables ip6tables ebtables; do
    ! command -v "$f-save" >/dev/null || "$f-save" 2>/dev/null |
      awk -v f="$f" '/^\*/ {table = substr($1, 2)} /^:neutron|^-A neutron| -j neutron/ {print f, table, $0}'
  done
}

# remove_rules: exactly those, whatever else there is: first the jumps out of the machine's own chains, then the chains
remove_rules() {
  local rules family table verb rest
  rules=$(our_rules)
  while read -r family table; do
    [ -n "$family" ] || continue
    awk -v f="$family" -v t="$table" '$1 == f && $2 == t' <<<"$rules" | cut -d' ' -f3- | awk '
      BEGIN {split("", chains)}
      /^:/ {chains[++n] = substr($1, 2)}
      /^-A / && $2 !~ /^neutron/ {sub("-A", "-D"); print}
      END {for (i = 1; i <= n; i++) print "-F", chains[i]; for (i = 1; i <= n; i++) print "-X", chains[i]}' |
      if [ "$family" = ebtables ]; then
        # shellcheck disable=SC2086
        while read -r verb rest; do ebtables -t "$table" "$verb" $rest || true; done
      else
        { echo "*$table"; cat; echo COMMIT; } | "$family-restore" --noflush || true
      fi
  done < <(cut -d' ' -f1,2 <<<"$rules" | sort -u)
  [ -z "$(our_rules)" ] || say "rules of the cloud are left: see check-clean.sh"
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
}
