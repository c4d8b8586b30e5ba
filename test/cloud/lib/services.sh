# shellcheck shell=bash
# The daemons: how each is started, and how it is asked whether it answers.

# services: all of this back end, in the order of status
services() {
  echo mysqld memcached rabbitmq keystone placement nova-api glance neutron-server nova-conductor nova-scheduler nova-compute haproxy
  if [ "$BACKEND" = ovn ]; then echo ovs-db ovnnb_db ovnsb_db ovs-vswitchd ovn-northd ovn-controller
  else echo neutron-linuxbridge-agent neutron-l3-agent neutron-dhcp-agent; fi
}
PORTS="11211 5672 25672 4369 5000 8778 8774 9292 9696"

# ports_free: a foreign daemon on one of our ports is named before anything starts
ports_free() {
  local p bad=0
  for p in $PORTS; do
    if port "$p"; then
      say "port $p of 127.0.0.1 is taken by a process that is not this cloud's: $(ss -ltnpH "sport = :$p" | grep -o 'users:.*' | sed -n 1p)"
      bad=1
    fi
  done
  return $bad
}

answers_mysqld() { sql -e 'select 1'; }
answers_memcached() {
  local line
  exec 8<>/dev/tcp/127.0.0.1/11211 && printf 'version\r\n' >&8 && IFS= read -r -t 5 line <&8 && [[ $line == VERSION* ]]
  local rc=$?
  exec 8>&-
  return $rc
}
# AMQP 0-9-1, 4.2.2: the broker answers the protocol header with Connection.Start, a frame of type 1
answers_rabbitmq() {
  local frame
  exec 8<>/dev/tcp/127.0.0.1/5672 && printf 'AMQP\x00\x00\x09\x01' >&8 && IFS= read -r -t 5 -N 1 frame <&8 && [ "$frame" = $'\x01' ]
  local rc=$?
  exec 8>&-
  return $rc
}
answers_haproxy() { ip netns exec internet curl -sf -m 10 -o /dev/null --noproxy '*' http://127.0.0.1:5000/v3; }
answers_ovs-vswitchd() { ovs-vsctl --timeout=5 get bridge br-int datapath_type; }
answers_ovn-controller() { [ "$(ovn-sbctl --timeout=5 get chassis "$HOST" hostname)" = "$HOST" ]; }
answers_ovn-northd() { [ "$(ovn-appctl -t "$OVS_RUNDIR/ovn-northd.ctl" status)" = "Status: active" ]; }

# answers SERVICE: asks it; those behind the message queue and the agents are asked through the APIs (lib/agents.py)
answers() {
  case $1 in
    mysqld | memcached | rabbitmq | haproxy | ovs-vswitchd | ovn-controller | ovn-northd) "answers_$1" ;;
    keystone) http 5000/v3 ;;
    placement) http 8778/ ;;
    nova-api) http 8774/ ;;
    glance) http 9292/versions || port 9292 ;;
    neutron-server) http 9696/ ;;
    ovs-db) ovs-vsctl --timeout=5 get Open_vSwitch . external_ids:system-id ;;
    ovnnb_db) ovn-nbctl --timeout=5 get NB_Global . nb_cfg ;;
    ovnsb_db) ovn-sbctl --timeout=5 get SB_Global . nb_cfg ;;
    *) return 1 ;;
  esac >/dev/null 2>&1
}

# wsgi SERVICE PORT FILE PROCESSES VAR=VALUE...
wsgi() {
  local name=$1 port=$2 file=$3 processes=$4
  shift 4
  start "$name" root env "$@" uwsgi_python3 --http-socket "127.0.0.1:$port" --wsgi-file "$file" --master --lazy-apps \
    --processes "$processes" --threads 1 --enable-threads --die-on-term --buffer-size 65535 \
    --rem-header Content-Length --add-header "Connection: close" --thunder-lock --need-app
}

start_queue() {
  start memcached memcache /usr/bin/memcached -l 127.0.0.1 -p 11211 -m 64
  install -d -o rabbitmq -g rabbitmq "$DATA/rabbit" "$LOG/rabbit"
  chown -R rabbitmq:rabbitmq "$DATA/rabbit" "$LOG/rabbit"
  start rabbitmq rabbitmq env HOME="$DATA/rabbit" ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME=rabbit@localhost \
    RABBITMQ_CONFIG_FILE="$ETC/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$ETC/rabbit-advanced.config" \
    RABBITMQ_MNESIA_BASE="$DATA/rabbit" RABBITMQ_LOG_BASE="$LOG/rabbit" RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/rabbit_plugins" \
    RABBITMQ_SERVER_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

start_keystone() {
  wsgi keystone 5000 /usr/bin/keystone-wsgi-public 3 OS_KEYSTONE_CONFIG_FILES="$ETC/keystone.conf" OS_KEYSTONE_CONFIG_DIR="$ETC"
}

start_apis() {
  wsgi placement 8778 /usr/bin/placement-api 2 OS_PLACEMENT_CONFIG_DIR="$ETC"
  # the paste file must be named, or: LookupError: No section 'osapi_compute'
  wsgi nova-api 8774 /usr/bin/nova-api-wsgi 2 OS_NOVA_CONFIG_DIR="$ETC" "OS_NOVA_CONFIG_FILES=/etc/nova/api-paste.ini;$ETC/nova.conf"
  start glance root /usr/bin/glance-api --config-file "$ETC/glance-api.conf"
  start neutron-server root /usr/bin/neutron-server --config-file "$ETC/neutron.conf" --config-file "$ETC/ml2.ini"
  start nova-conductor root /usr/bin/nova-conductor --config-file "$ETC/nova.conf"
  start nova-scheduler root /usr/bin/nova-scheduler --config-file "$ETC/nova.conf"
}

start_compute() {
  # Nova loads drivers of its own package only: ours is appended to that package's path
  start nova-compute root env OSBASE="$BASE" OVS_RUNDIR="$OVS_RUNDIR" DRVDIR="$HERE/driver" python3 -c \
    'import os, sys; sys.argv[0] = "nova-compute"; import nova.virt; nova.virt.__path__.append(os.environ["DRVDIR"]); from nova.cmd.compute import main; main()' \
    --config-file "$ETC/nova-compute.conf"
}

start_agents() {
  [ "$BACKEND" = linuxbridge ] || return 0
  modprobe br_netfilter 2>/dev/null || true
  start neutron-linuxbridge-agent root /usr/bin/neutron-linuxbridge-agent --config-file "$ETC/neutron.conf" --config-file "$ETC/linuxbridge.ini"
  start neutron-l3-agent root /usr/bin/neutron-l3-agent --config-file "$ETC/neutron.conf" --config-file "$ETC/l3.ini"
  start neutron-dhcp-agent root /usr/bin/neutron-dhcp-agent --config-file "$ETC/neutron.conf" --config-file "$ETC/dhcp.ini"
}

# start_ovn: three databases, the userspace switch, northd and the one chassis
start_ovn() {
  local name schema package sock
  while read -r name schema package sock; do
    [ -f "$DATA/ovs/$name.db" ] || ovsdb-tool create "$DATA/ovs/$name.db" "/usr/share/$package/$schema"
    start "$name" root ovsdb-server "$DATA/ovs/$name.db" --remote="punix:$OVS_RUNDIR/$sock.sock" \
      --unixctl="$OVS_RUNDIR/$name.ctl" --pidfile="$OVS_RUNDIR/$name.pid" -vconsole:warn
    await "$name" 20 test -S "$OVS_RUNDIR/$sock.sock"
  done <<END
ovs-db vswitch.ovsschema openvswitch db
ovnnb_db ovn-nb.ovsschema ovn ovnnb_db
ovnsb_db ovn-sb.ovsschema ovn ovnsb_db
END
  # hostname must be the "host" of nova.conf, or binding fails
  ovs-vsctl --no-wait init -- set Open_vSwitch . external_ids:system-id="$HOST" external_ids:hostname="$HOST" \
    external_ids:ovn-remote="$OVN_SB_DB" external_ids:ovn-encap-type=geneve external_ids:ovn-encap-ip=127.0.0.1 \
    external_ids:ovn-bridge=br-int external_ids:ovn-bridge-datapath-type=netdev \
    external_ids:ovn-bridge-mappings=physext:br-ex external_ids:ovn-cms-options=enable-chassis-as-gw \
    external_ids:ovn-monitor-all=true
  # Debian's OVS 3.1.0 aborts now and then in its userspace connection tracking (conn_update_state, lib/conntrack.c:1063):
  # the monitor starts it again, and ovn-controller gives it its flows.
  start ovs-vswitchd root ovs-vswitchd "unix:$OVS_RUNDIR/db.sock" --monitor --pidfile="$OVS_RUNDIR/ovs-vswitchd.pid" -vconsole:warn
  await ovs-vswitchd 20 test -s "$OVS_RUNDIR/ovs-vswitchd.pid"
  ovs-vsctl --timeout=20 --may-exist add-br br-ex -- set Bridge br-ex datapath_type=netdev fail_mode=standalone
  ovn-nbctl --no-wait init
  ovn-sbctl init
  start ovn-northd root ovn-northd --ovnnb-db="$OVN_NB_DB" --ovnsb-db="$OVN_SB_DB" --unixctl="$OVS_RUNDIR/ovn-northd.ctl" \
    --pidfile="$OVS_RUNDIR/ovn-northd.pid" -vconsole:warn
  start ovn-controller root ovn-controller "unix:$OVS_RUNDIR/db.sock" --pidfile="$OVS_RUNDIR/ovn-controller.pid" -vconsole:info
  await ovn-controller 30 ovn-sbctl get chassis "$HOST" name
  # OVN 23.03 writes the mappings to other_config only, Neutron 21 reads external_ids: without this every port on a
  # flat network, the routers' gateway ports too, is "binding_failed"
  ovn-sbctl set chassis "$HOST" external_ids:ovn-bridge-mappings=physext:br-ex
}
