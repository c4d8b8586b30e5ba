# shellcheck shell=bash
# MariaDB and the schemas. A marker says that a step is whole: a step that was cut off is done anew.

start_database() {
  if [ ! -e "$DATA/mysql/mysql" ]; then
    rm -rf "$DATA/mysql.new"
    install -d -o mysql -g mysql "$DATA/mysql.new"
    mariadb-install-db --no-defaults --user=mysql --datadir="$DATA/mysql.new" --auth-root-authentication-method=normal \
      --skip-test-db >"$LOG/mysql-install.log" 2>&1
    rm -rf "$DATA/mysql"
    mv "$DATA/mysql.new" "$DATA/mysql"
    rm -f "$BASE"/.synced-*
  fi
  # durability costs time and is of no use here
  start mysqld mysql /usr/sbin/mariadbd --no-defaults --datadir="$DATA/mysql" --socket="$SOCK" --skip-networking \
    --pid-file="$RUN/mysqld.real.pid" --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --sync-binlog=0 --skip-log-bin \
    --innodb-buffer-pool-size=128M --max-connections=500 --character-set-server=utf8mb4 --skip-name-resolve
}

# schema NAME "DATABASE..." CMD: the databases made and filled by CMD, in the background, unless that was done
SCHEMA_JOBS=()
schema() {
  local name=$1 d
  [ ! -e "$BASE/.synced-$name" ] || return 0
  # what was kept in them is gone, and what depends on it is to be made again
  rm -f "$BASE/.identity" "$BASE/.resources"
  [ "$name" != nova ] || rm -rf --one-file-system "$BASE"/inst/*
  for d in $2; do sql -e "drop database if exists $d; create database $d character set utf8mb3"; done
  { ours "${@:3}" >"$LOG/sync-$name.log" 2>&1 && touch "$BASE/.synced-$name"; } &
  SCHEMA_JOBS+=("$name:$!")
}

sync_identity() {
  keystone-manage --config-file "$ETC/keystone.conf" db_sync
  keystone-manage --config-file "$ETC/keystone.conf" fernet_setup --keystone-user root --keystone-group root
  keystone-manage --config-file "$ETC/keystone.conf" credential_setup --keystone-user root --keystone-group root
  keystone-manage --config-file "$ETC/keystone.conf" bootstrap --bootstrap-password "$PASS" --bootstrap-region-id RegionOne \
    --bootstrap-admin-url http://127.0.0.1:5000/v3 --bootstrap-internal-url http://127.0.0.1:5000/v3 --bootstrap-public-url http://127.0.0.1:5000/v3
  placement-manage --config-file "$ETC/placement.conf" db sync
  glance-manage --config-file "$ETC/glance-api.conf" db_sync
}
sync_nova() {
  nova-manage --config-file "$ETC/nova.conf" api_db sync
  nova-manage --config-file "$ETC/nova.conf" cell_v2 map_cell0
  nova-manage --config-file "$ETC/nova.conf" cell_v2 create_cell --name cell1
  nova-manage --config-file "$ETC/nova.conf" db sync
}
sync_neutron() {
  neutron-db-manage --config-file "$ETC/neutron.conf" --config-file "$ETC/ml2.ini" upgrade heads
}

sync_databases() {
  local j bad=0
  # each in a shell of its own: set -e does not reach into a function behind &&
  one() { schema "$1" "$2" bash -ec ". '$HERE/lib/common.sh'; . '$HERE/lib/databases.sh'; sync_$1"; }
  one identity "keystone placement glance"
  one nova "nova_api nova nova_cell0"
  one neutron "neutron"
  for j in "${SCHEMA_JOBS[@]}"; do
    wait "${j#*:}" || { bad=1; say "the schema of ${j%:*} failed: $LOG/sync-${j%:*}.log says"; tail -n 20 "$LOG/sync-${j%:*}.log"; }
  done
  return $bad
}
