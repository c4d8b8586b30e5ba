package provision

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/spec"
)

func TestTheWayToAServer(t *testing.T) {
	server := openstack.Server{ID: "s1", Name: "bastion-1", Addresses: []openstack.Address{
		{IP: netip.MustParseAddr("10.0.0.130")},
		{IP: netip.MustParseAddr("203.0.113.20"), Floating: true},
	}}
	o := plan.Observed{
		Servers: map[string][]openstack.Server{"bastion-1": {server}},
		Ports:   []openstack.Port{{ID: "p1", DeviceID: "s1"}, {ID: "p2", DeviceID: "other"}},
		FloatingIPs: []openstack.FloatingIP{
			{Address: netip.MustParseAddr("203.0.113.20"), PortID: "p1"},
			{Address: netip.MustParseAddr("203.0.113.21"), PortID: "p1"}, // too new for Nova's cache
			{Address: netip.MustParseAddr("203.0.113.22"), PortID: "p2"},
		},
	}
	for _, tt := range []struct {
		name      string
		way       spec.SSH
		host      spec.ServerSSH
		names     []string
		addresses []string
	}{
		{
			name: "by its name, else by floating IP, else by fixed address", names: []string{"bastion-1"},
			addresses: []string{"203.0.113.20", "203.0.113.21", "10.0.0.130"},
		},
		{
			name: "through a jump host the fixed address comes first", way: spec.SSH{Jump: []string{"jump"}},
			names: []string{"bastion-1"}, addresses: []string{"10.0.0.130", "203.0.113.20", "203.0.113.21"},
		},
		{
			name: "a host name of the group file comes before the server's", host: spec.ServerSSH{Host: "b1.example"},
			names: []string{"b1.example", "bastion-1"}, addresses: []string{"203.0.113.20", "203.0.113.21", "10.0.0.130"},
		},
		{
			name: "an address of the group file is the only one", host: spec.ServerSSH{Host: "10.9.9.9"},
			names: []string{"10.9.9.9", "bastion-1"}, addresses: []string{"10.9.9.9"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := (&Service{}).NewFleet()
			f.hints = []spec.Server{{Ref: "bastion-1", SSH: tt.host}}
			f.Know(spec.Group{SSH: tt.way}, o)
			got := f.servers["s1"].target
			if diff := cmp.Diff(tt.names, got.Names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.addresses, got.Addresses); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}
