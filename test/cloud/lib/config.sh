# shellcheck shell=bash
# Renders conf/ to $ETC. A template is text in which $VARIABLES and $(db NAME) and the like are expanded.

db() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$SOCK&charset=utf8mb4"; }

# client USER: how one service logs in to call another
client() {
  cat <<X1
auth_type = password
auth_url = http://127.0.0.1:5000
project_domain_name = Default
user_domain_name = Default
project_name = service
username = $1
password = $PASS
region_name = RegionOne
X1
}

# authtoken USER: how a service checks its callers' tokens
authtoken() {
  cat <<X1
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:5000
memcached_servers = 127.0.0.1:11211
$(client "$1")
X1
}

# render FILE: the templates are our own, so that eval expands nothing foreign
render() { eval "cat <<END_OF_TEMPLATE
$(cat "$HERE/conf/$1")
END_OF_TEMPLATE"; }

write_config() {
  local f
  mkdir -p "$ETC/fernet" "$ETC/credential" "$LOG" "$RUN/ovs" "$DATA"/{nova/instances,glance/images,lock,neutron,ovs} "$BASE"/{bin,inst,images}
  chmod 755 "$BASE" "$RUN"
  chmod 1777 "$LOG" "$RUN" # several users write there
  echo "$BACKEND" >"$BASE/backend"
  for f in keystone.conf placement.conf glance-api.conf nova.conf neutron.conf linuxbridge.ini l3.ini dhcp.ini rabbitmq.conf haproxy.cfg; do
    render $f >"$ETC/$f"
  done
  if [ "$BACKEND" = ovn ]; then render ml2-ovn.ini >"$ETC/ml2.ini"; else render ml2.ini >"$ETC/ml2.ini"; fi
  echo '[].' >"$ETC/rabbit-advanced.config"
  # nova-compute must not see the database sections ("No DB access allowed in nova-compute")
  awk '/^\[/ {skip = ($0 == "[database]" || $0 == "[api_database]")} !skip' "$ETC/nova.conf" >"$ETC/nova-compute.conf"
  install -m 755 "$HERE/lib/ebtables" "$BASE/bin/ebtables"
  [ -f "$BASE/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C oscloud -f "$BASE/id_ed25519"
  write_clouds
}

# write_clouds: what people and programs log in with; the application credential once it is made (bootstrap/resources.py)
write_clouds() {
  {
    render clouds.yaml
    if [ -s "$ETC/appcred" ]; then APPCRED=$(cat "$ETC/appcred") && render clouds-appcred.yaml; fi
  } >"$BASE/clouds.yaml.new"
  mv "$BASE/clouds.yaml.new" "$BASE/clouds.yaml"
  render openrc >"$BASE/openrc"
}
