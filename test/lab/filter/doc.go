// Package filter says what a cloud's switch lets through, as Neutron does it:
// a server sends from its own addresses and allowed address pairs only, and
// its security groups decide the rest. Compute is a pure function of the
// cloud's View; Apply hands its result to the kernel in one transaction.
package filter
