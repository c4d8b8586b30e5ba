// Package fabric carries the packets of a cloud on one machine: a bridge for
// each network with the ports of servers filtered, a namespace for each
// router, and the workstation's place on the external network. Update makes
// it what a View says.
package fabric
