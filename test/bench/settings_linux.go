package bench

import (
	"fmt"
	"net/netip"
	"time"
)

// settings are what both daemons of a pair have in common.
type settings struct {
	interval time.Duration
	routers  int
	preempt  bool // the higher priority takes the address back
}

// router is one virtual router on one node.
type router struct {
	vrid         int
	source, peer netip.Addr
	vip          netip.Prefix
}

// nodeAddress is that of the first node, the second, and the client.
func nodeAddress(i int) string { return fmt.Sprintf("10.97.0.%d/16", i+1) }

// vip is the address of a pair's router; that of the first is probed.
func vip(n int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 97, 1, byte(n + 1)}), 32)
}

// on are the routers of a node.
func (s settings) on(node int) []router {
	var all []router
	address := func(i int) netip.Addr { return netip.MustParsePrefix(nodeAddress(i)).Addr() }
	for n := range s.routers {
		all = append(all, router{vrid: n + 1, source: address(node), peer: address(1 - node), vip: vip(n)})
	}
	return all
}

// down is how long a backup of this priority waits (RFC 9568 section 6.1).
func (s settings) down(priority int) time.Duration { return 3*s.interval + s.skew(priority) }

func (s settings) skew(priority int) time.Duration {
	return time.Duration(256-priority) * s.interval / 256
}
