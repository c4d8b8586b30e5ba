// Package prober measures from outside who answers for an address, and for how
// long nobody does.
//
// A Prober sends an ICMP echo request in each slot of a fixed schedule and never
// waits for an answer; a Watch records which of several servers have the address.
// Both open their sockets in the network namespace of the calling thread and
// need root. Their threads run in real time where the kernel lets them, and what
// they could not do in time they say: a probe that missed its slot counts as not
// sent, never as lost.
package prober
