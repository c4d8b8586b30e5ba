// Package vrrp is the protocol: the advertisement codec and the state machine
// of one virtual router (RFC 9568). It does no I/O and reads no clock: time
// comes in as a value, effects go out as values.
package vrrp
