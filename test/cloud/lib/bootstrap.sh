# shellcheck shell=bash
# What a cloud holds before its first tenant: identities, the compute host in its cell, flavor, image, external network.

# once MARKER SCRIPT ARGS: the Python programs find what is there, so that one cut off half-way is just run again
once() {
  [ -e "$BASE/.$1" ] || { OS_CLOUD="admin" ours /usr/bin/python3 "${@:2}" && touch "$BASE/.$1"; }
}

map_compute() {
  local mapped
  mapped=$(sql -Ne 'select count(*) from nova_api.host_mappings')
  [ "$mapped" = 0 ] || return 0
  # discover_hosts before the compute node has its row maps nothing, for ever
  row() { [ "$(sql -Ne 'select count(*) from nova.compute_nodes where deleted = 0')" != 0 ]; }
  waitfor 120 "the compute node" row
  ours nova-manage --config-file "$ETC/nova.conf" cell_v2 discover_hosts >"$LOG/discover.log" 2>&1
}
