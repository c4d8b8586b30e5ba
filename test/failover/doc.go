// Package failover runs havip failover-test in the lab, with the real binaries:
// each fault, what becomes of one whose CLI dies, and whether its figures are true.
package failover
