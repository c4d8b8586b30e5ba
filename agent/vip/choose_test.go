package vip

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/havip/havip/agent/config"
)

func testLink(t *testing.T, index int, name, mac string, prefixes ...string) link {
	t.Helper()
	l := link{NIC: NIC{Index: index, Name: name}, up: true, running: true}
	if mac != "" {
		var err error
		if l.MAC, err = net.ParseMAC(mac); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range prefixes {
		l.addresses = append(l.addresses, address{index: index, prefix: netip.MustParsePrefix(p)})
	}
	return l
}

func TestChooseNarrowsByNameThenMACThenAddress(t *testing.T) {
	const mac = "fa:16:3e:12:34:56"
	links := []link{
		testLink(t, 1, "lo", "", "127.0.0.1/8"),
		testLink(t, 2, "ens3", mac),
		testLink(t, 3, "bond0", mac, "10.0.0.130/24"),
		testLink(t, 4, "ens4", "fa:16:3e:00:00:04", "10.0.0.131/24"),
	}
	own := netip.MustParseAddr("10.0.0.130")
	tests := map[string]struct {
		want    config.Interface
		name    string
		problem Problem
		seen    int
		message string
	}{
		"the MAC and the address of a bond whose slave has the same MAC": {
			want: config.Interface{MAC: mac, Address: own}, name: "bond0",
		},
		"a MAC in capitals":           {want: config.Interface{MAC: "FA:16:3E:00:00:04"}, name: "ens4"},
		"a name":                      {want: config.Interface{Name: "ens3"}, name: "ens3"},
		"a MAC that two have":         {want: config.Interface{MAC: mac}, problem: Ambiguous, seen: 2},
		"a name that none has":        {want: config.Interface{Name: "eth0"}, problem: NoSuchName, seen: 4},
		"a MAC that none has":         {want: config.Interface{MAC: "02:00:00:00:00:01"}, problem: NoSuchMAC, seen: 4},
		"the address of another NIC":  {want: config.Interface{Name: "ens3", Address: own}, problem: NoAddress, seen: 1},
		"an address that was removed": {want: config.Interface{MAC: "fa:16:3e:00:00:04", Address: own}, problem: NoAddress, seen: 1, message: "find interface with MAC fa:16:3e:00:00:04 and address 10.0.0.130: the address is not on the interface (seen: ens4 fa:16:3e:00:00:04 10.0.0.131/24)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := choose(tt.want, links)
			if tt.problem == "" {
				if err != nil || got.Name != tt.name {
					t.Fatalf("got %q, %v; want %q", got.Name, err, tt.name)
				}
				return
			}
			var e *FindError
			if !errors.As(err, &e) {
				t.Fatalf("got error %v, want a FindError", err)
			}
			if e.Problem != tt.problem || len(e.Seen) != tt.seen {
				t.Errorf("got problem %q with %d seen, want %q with %d", e.Problem, len(e.Seen), tt.problem, tt.seen)
			}
			if tt.message != "" && e.Error() != tt.message {
				t.Errorf("got message\n%s\nwant\n%s", e, tt.message)
			}
		})
	}
}

func TestChooseRefusesAMACThatIsNone(t *testing.T) {
	if l, err := choose(config.Interface{MAC: "bogus"}, []link{testLink(t, 1, "lo", "")}); err == nil {
		t.Errorf("got %v and no error", l)
	}
}

func TestJudgeNamesTheFirstThingThatIsWrong(t *testing.T) {
	own := netip.MustParseAddr("10.0.0.130")
	good := testLink(t, 2, "ens3", "", "10.0.0.130/24")
	down, unplugged, bare := good, good, good
	down.up, down.running = false, false
	unplugged.running = false
	bare.addresses = nil
	for want, l := range map[string]link{
		"":                          good,
		"ens3 is down":              down,
		"ens3 has no carrier":       unplugged,
		"10.0.0.130 is not on ens3": bare,
	} {
		if usable, why := judge(l, own); why != want || usable != (want == "") {
			t.Errorf("got %v %q, want %q", usable, why, want)
		}
	}
}
