package peers

import (
	"net"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
)

// frr is FRR on their node.
type frr struct {
	*field.FRR
	family field.Family
}

func (f frr) Holds() bool { return f.State(f.family) == "Master" }
func (f frr) Waits() bool { return f.State(f.family) == "Backup" }

// frr is what theyStart starts. FRR answers with the virtual MAC.
func (m *meeting) frr(family field.Family, conf field.VRRP) {
	m.theirMAC = net.HardwareAddr{0, 0, 0x5e, 0, 1, byte(conf.VRID)} // RFC 9568 section 7.3
	if family == field.IPv6 {
		m.theirMAC[4] = 2
	}
	m.start = func() rival { return frr{m.theirs.FRR(conf), family} }
}

func TestFRRVersion3ByMulticast(t *testing.T) {
	t.Parallel()
	const interval = 500 * time.Millisecond
	t.Run("IPv4", func(t *testing.T) {
		m := meet(t)
		m.frr(field.IPv4, field.VRRP{
			Version: 3, VRID: 70, Priority: 100, Interval: interval, NoPreempt: true, Addresses: prefixes("192.168.200.11/24"),
		})
		m.we(config.Router{
			Version: 3, VRID: 70, Priority: 100, Interval: api.Duration(interval),
			Mode: config.ModeMulticast, Source: m.ours.Addr(field.IPv4), Addresses: prefixes("192.168.200.11/32"),
		})
		m.conversation()
		m.wantAdverts(3, group4)
	})
	t.Run("IPv6", func(t *testing.T) {
		m := meet(t)
		m.frr(field.IPv6, field.VRRP{
			Version: 3, VRID: 70, Priority: 100, Interval: interval, NoPreempt: true, Addresses: prefixes("fe80::200:11/64", "fd00:200::11/64"),
		})
		m.we(config.Router{
			Version: 3, VRID: 70, Priority: 100, Interval: api.Duration(interval),
			Mode: config.ModeMulticast, Source: m.ours.LinkLocal(), Addresses: prefixes("fe80::200:11/128", "fd00:200::11/128"),
		})
		m.conversation()
		m.wantAdverts(3, group6)
	})
}
