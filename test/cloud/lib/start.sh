#!/bin/bash
# The straight line from a machine without a running cloud to a usable one. Called by up.sh, which swept before.
# Exit status 4: the cause lies outside of the cloud, and new databases would not help.
. "$(dirname "$0")/common.sh"
. "$HERE/lib/process.sh"
. "$HERE/lib/packages.sh"
. "$HERE/lib/config.sh"
. "$HERE/lib/image.sh"
. "$HERE/lib/databases.sh"
. "$HERE/lib/services.sh"
. "$HERE/lib/network.sh"
. "$HERE/lib/machine.sh"
. "$HERE/lib/bootstrap.sh"

mkdir -p "$BASE/images" "$LOG"
# the image job ends with this script, however that ends
trap '[ -z "$IMAGE_JOB" ] || kill "$IMAGE_JOB" 2>/dev/null || true' EXIT
if ! image_ok; then install_packages debootstrap ca-certificates || exit 4; start_image; fi
# shellcheck disable=SC2086
install_packages $PACKAGES || exit 4
say "packages installed"

ports_free || exit 4
record_machine
write_config
start_database
start_queue
await mysqld 60 answers mysqld
await memcached 20 answers memcached
sync_databases &
SYNC=$!
await rabbitmq 90 answers rabbitmq
say "database, memcached, message queue answer"
wait $SYNC
say "schemas made"

start_keystone
await keystone 90 answers keystone
once identity "$HERE/bootstrap/identity.py"
say "keystone answers"

[ "$BACKEND" != ovn ] || { start_ovn; say "OVN answers"; }
start_apis
for s in placement neutron-server nova-api glance; do await $s 120 answers $s; done
say "APIs answer"

make_network
start haproxy root /usr/sbin/haproxy -db -f "$ETC/haproxy.cfg"
await haproxy 30 answers haproxy
wait_image
[ -z "$IMAGE_JOB" ] || say "guest image built"
IMAGE_JOB=
start_compute
start_agents
map_compute
once resources "$HERE/bootstrap/resources.py" "$ETC/appcred"
write_clouds
reports() { python3 "$HERE/lib/agents.py" "$BACKEND" "$T0"; }
waitfor 180 "the agents' reports" reports || { reports || true; exit 1; }
say "agents and compute report"
