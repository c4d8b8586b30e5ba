// Package transport carries the advertisements of virtual routers out to their
// peers and in from them, in unicast or multicast, over raw sockets of IP protocol
// 112. What is not a valid advertisement of a peer never gets past it, and is
// counted by reason.
//
// A flood of protocol 112 from anywhere must neither fill the buffer that the
// peers' advertisements need nor keep the agent busy. So filters in the kernel sort
// the packets into classes, each with a socket and a bounded buffer of its own. Only
// what looks like an advertisement of a peer is read as it comes; the others are
// counted.
//
// Sockets are made in the network namespace of the calling thread, and a Conn stays
// there whatever thread uses it. It needs CAP_NET_RAW.
package transport
