// Package vip is the NIC of a virtual router and the virtual addresses on it:
// it finds the NIC, puts the addresses there with a lease that the kernel
// enforces, announces them, and tells when something about them changed.
//
// Every call opens its sockets in the network namespace of the calling thread,
// and so works inside a namespace if the caller has locked its goroutine to a
// thread that is in it. The only privileges needed are CAP_NET_ADMIN (to
// change addresses) and CAP_NET_RAW (to announce them).
package vip
