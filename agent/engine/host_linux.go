package engine

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/transport"
	"github.com/havip/havip/agent/vip"
)

// Linux is the server as it is.
type Linux struct {
	dialer transport.Dialer
}

// Look implements Host.
func (*Linux) Look() (vip.View, error) { return vip.Look() }

// Find implements Host.
func (*Linux) Find(v vip.View, i config.Interface) (vip.NIC, error) { return v.Find(i) }

// Addresses implements Host.
func (*Linux) Addresses(nic vip.NIC, r config.Router) Addresses {
	return vip.NewSet(vip.Config{
		NIC:       nic,
		Source:    r.Source,
		Addresses: r.Addresses,
		Replies:   r.Announce.Replies,
	})
}

// Claims implements Host.
func (*Linux) Claims(nic vip.NIC, vips []netip.Addr) (Claims, error) {
	claims, err := vip.ListenClaims(nic, vips)
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// Acquaint implements Host.
func (*Linux) Acquaint(nic vip.NIC, members []netip.Addr) error { return vip.Acquaint(nic, members) }

// Neighbour implements Host.
func (*Linux) Neighbour(nic vip.NIC, mac net.HardwareAddr, among []netip.Addr) (netip.Addr, bool, error) {
	return vip.Neighbour(nic, mac, among)
}

// Watch implements Host.
func (*Linux) Watch(ctx context.Context) (<-chan struct{}, error) { return vip.Watch(ctx) }

// Dial implements Host.
func (h *Linux) Dial(nic vip.NIC, r config.Router, arrived func()) (Wire, error) {
	cfg := transport.Config{
		Interface: nic.Name,
		Source:    r.Source,
		Peers:     r.Peers,
		Multicast: r.Mode == config.ModeMulticast,
		Checksum:  r.Checksum,
		VRID:      r.VRID,
		Version:   r.Version,
		Interval:  time.Duration(r.Interval),
		Arrived:   arrived,
	}
	for _, p := range r.Addresses {
		cfg.Addresses = append(cfg.Addresses, p.Addr())
	}
	conn, err := h.dialer.Open(cfg)
	if err != nil {
		return nil, err // not conn: a nil *Conn in a Wire is not a nil Wire
	}
	return conn, nil
}
