package vip_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

func TestFindTellsTwoNICsWithOneMACApartByAddress(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		mac := netnstest.Link(t, netnstest.Device).Attrs().HardwareAddr
		addNIC(t, "eth1", mac)
		netnstest.AddAddress(t, "eth1", "10.77.0.1/24")

		want := config.Interface{MAC: mac.String(), Address: netip.MustParseAddr("10.77.0.1")}
		got := find(t, want)
		index := netnstest.Link(t, "eth1").Attrs().Index
		if diff := cmp.Diff(vip.NIC{Index: index, Name: "eth1", MAC: mac}, got); diff != "" {
			t.Errorf("NIC of the second address (-want +got):\n%s", diff)
		}
		want.Address = own
		if got := find(t, want); got.Name != netnstest.Device {
			t.Errorf("NIC of the own address: got %q", got.Name)
		}

		want.Address = netip.MustParseAddr("10.77.0.2")
		_, err := vip.Find(want)
		var missing *vip.FindError
		if !errors.As(err, &missing) || missing.Problem != vip.NoAddress || len(missing.Seen) != 2 {
			t.Errorf("an address that neither has: got %v", err)
		}
	})
}

// addNIC adds one that is cabled to another of the same namespace.
func addNIC(t *testing.T, name string, mac net.HardwareAddr) {
	t.Helper()
	netnstest.Must(t, netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: name, HardwareAddr: mac},
		PeerName:  name + "-end",
	}))
	netnstest.SetUp(t, name, true)
	netnstest.SetUp(t, name+"-end", true)
}

func TestInspectSeesWhatIsWrongWithTheNICAndTheVIPs(t *testing.T) {
	inPair(t, func(other *netnstest.Namespace) {
		s := newSet(t, vip1, vip2)
		nic := find(t, config.Interface{Name: netnstest.Device})
		byMAC := config.Interface{MAC: nic.MAC.String(), Address: own}
		byName := config.Interface{Name: netnstest.Device}
		// A change of carrier is worked on by the kernel a little later.
		expect := func(what string, i config.Interface, want vip.State) {
			t.Helper()
			var diff string
			netnstest.EventuallyOr(t, func() bool {
				diff = cmp.Diff(want, inspect(t, s, i), cmpopts.EquateEmpty())
				return diff == ""
			}, func() string { return what + " (-want +got):\n" + diff })
		}

		expect("a NIC without VIPs", byMAC, vip.State{Usable: true, NIC: nic})
		netnstest.AddAddress(t, netnstest.Device, vip1.String())
		expect("one VIP of two", byMAC, vip.State{Usable: true, NIC: nic, Any: true})
		add(t, s, time.Minute)
		expect("both VIPs", byName, vip.State{Usable: true, NIC: nic, Held: true, Any: true})

		netnstest.DelAddress(t, netnstest.Device, own.String()+"/24")
		expect("own address gone, NIC by MAC", byMAC,
			vip.State{Why: "10.99.0.1 is not on eth0", SourceMissing: true, NIC: nic, Held: true, Any: true})
		expect("own address gone, NIC by name", byName,
			vip.State{Why: "10.99.0.1 is not on eth0", SourceMissing: true, NIC: nic, Held: true, Any: true})
		netnstest.AddAddress(t, netnstest.Device, own.String()+"/24")

		other.Do(t, func() { netnstest.SetUp(t, netnstest.Device, false) })
		expect("the other end is down", byMAC,
			vip.State{Why: "eth0 has no carrier", NIC: nic, Held: true, Any: true})
		netnstest.SetUp(t, netnstest.Device, false)
		expect("this end is down", byMAC, vip.State{Why: "eth0 is down", NIC: nic, Held: true, Any: true})

		netnstest.Must(t, netlink.LinkDel(netnstest.Link(t, netnstest.Device)))
		expect("the NIC is gone", byName, vip.State{
			Why: "find interface with name eth0: no interface has this name (seen: lo)",
			NIC: nic,
		})
	})
}

func TestRebindGoesOnWithANICThatWasReplaced(t *testing.T) {
	inPair(t, func(*netnstest.Namespace) {
		s := newSet(t, vip1)
		netnstest.Must(t, s.Announce())
		netnstest.Must(t, netlink.LinkDel(netnstest.Link(t, netnstest.Device)))
		addNIC(t, netnstest.Device, nil)
		netnstest.AddAddress(t, netnstest.Device, own.String()+"/24")

		var state vip.State
		netnstest.Eventually(t, "the new NIC is usable", func() (usable bool) {
			state = inspect(t, s, config.Interface{Name: netnstest.Device})
			return state.Usable
		})
		if err := s.Announce(); err == nil {
			t.Error("announced on a NIC that is gone")
		}
		s.Rebind(state.NIC)
		add(t, s, time.Minute)
		netnstest.Must(t, s.Announce())
		if !held(t, s) {
			t.Error("the VIP is not held on the new NIC")
		}
	})
}
