# shellcheck shell=bash
# Debian's packages, and nothing else. Their services are not started and their /etc is not used.
PACKAGES="keystone neutron-server neutron-linuxbridge-agent neutron-l3-agent neutron-dhcp-agent
 nova-api nova-conductor nova-scheduler placement-api glance-api rabbitmq-server mariadb-server
 python3-openstackclient python3-osc-placement memcached python3-memcache uwsgi-plugin-python3
 python3-pymysql iputils-arping iputils-ping conntrack tcpdump bridge-utils haproxy radvd debootstrap
 systemd-container openssh-client sudo curl bc ipset iptables ebtables nftables iproute2 procps ca-certificates"
[ "$BACKEND" != ovn ] || PACKAGES="$PACKAGES ovn-central ovn-host openvswitch-switch ethtool"

# missing PACKAGE...: those not installed and configured; dpkg -s also succeeds for a half installed one
missing() {
  local p
  for p in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
  done
}

# without_services CMD...: while CMD runs no package may start its daemon (a machine with a policy of its own keeps it)
POLICY=/usr/sbin/policy-rc.d
without_services() {
  local rc=0
  drop_policy # of a run that was killed
  [ -e $POLICY ] || { printf '#!/bin/sh\n# oscloud: no daemon starts while the cloud is installed\nexit 101\n' >$POLICY; chmod 755 $POLICY; }
  "$@" || rc=$?
  drop_policy
  return $rc
}
drop_policy() { if grep -qs '^# oscloud:' $POLICY; then rm -f $POLICY; fi; }

apt() {
  # no job of ours: an apt-get of a killed run goes on to its end, and the next run waits for its lock
  env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=600 \
    -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--force-confold "$@" >>"$LOG/apt.log" 2>&1 9>&-
}

# install_packages PACKAGE...: returns at once when all are there
install_packages() {
  [ -n "$(missing "$@")" ] || return 0
  # shellcheck disable=SC2046
  without_services apt_install $(missing "$@") || { tail -n 30 "$LOG/apt.log"; return 1; }
}

apt_install() {
  # what an interrupted run left half unpacked
  if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
    flock -w 600 /var/lib/dpkg/lock-frontend env DEBIAN_FRONTEND=noninteractive DPKG_FRONTEND_LOCKED=1 \
      dpkg --force-confold --configure -a >>"$LOG/apt.log" 2>&1 </dev/null || true
    apt -f install || true
  fi
  if [ -z "${APT_UPDATED:-}" ]; then
    apt update || say "apt-get update failed for some source, going on ($LOG/apt.log)"
    APT_UPDATED=1
  fi
  apt install --no-install-recommends "$@"
}
