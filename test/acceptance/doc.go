// Package acceptance runs havip's real binary against a real OpenStack, the
// one that OS_CLOUD names, as a member of a project and never as its admin.
// The tests have the build tag "acceptance"; "make acceptance" runs them.
//
// The judges are the openstack command and, on the servers, ip, systemctl and
// journalctl: what havip says of itself proves nothing.
package acceptance
