// Package peers has the agent meet the daemons that speak VRRP in the world:
// keepalived and FRR, on real packets, each as the active and as the backup.
package peers
