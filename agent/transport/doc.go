// Package transport carries the advertisements of one virtual router out to its
// peers and in from them, over a raw socket of IP protocol 112. What is not a
// valid advertisement of a peer never gets past it, and is counted by reason.
//
// Open makes its sockets in the network namespace of the calling thread, and the
// Conn stays there whatever thread uses it. It needs CAP_NET_RAW.
package transport
