package vrrp

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

// The rules of RFC 3768 section 6.4 where version 2 is another protocol: no
// interval is learned, the skew is of a second, a loser is not answered.
func TestVersion2(t *testing.T) {
	const interval = 2 * time.Second
	const skew, down = 250 * ms, 6250 * ms // priority 192: 64/256 s
	v2 := with(func(c *Config) { c.Version, c.Interval = 2, interval })
	preempting := with(func(c *Config) { c.Version, c.Interval, c.Preempt = 2, interval, true })
	owner := with(func(c *Config) { c.Version, c.Interval, c.Priority = 2, interval, PriorityOwner })
	says := func(from netip.Addr, priority int, at time.Duration) Received {
		return Received{From: from, Priority: priority, Interval: interval, At: epoch.Add(at)}
	}
	advert := func(priority int) []Effect {
		return []Effect{SendAdvert{Priority: priority, Interval: interval}, AddVIPs{Lease: 7 * time.Second}}
	}
	yields := func(reason Reason, detail string) []Effect {
		return []Effect{
			RemoveVIPs{},
			move(api.Active, api.Backup, reason, detail),
			SendAdvert{Priority: PriorityYielded, Interval: interval},
		}
	}

	runMachineTests(t, []machineTest{
		{"a backup waits three intervals and a skew that is of a second", v2, func(s script) {
			s.backup()
			s.deadline(down)
		}},
		{"priority 0 leaves a backup the skew", v2, func(s script) {
			s.backup()
			s.on(time.Second, says(greater, 0, time.Second))
			s.deadline(time.Second + skew)
		}},
		{"a higher priority restarts the wait", preempting, func(s script) {
			s.backup()
			s.on(time.Second, says(greater, 193, time.Second))
			s.deadline(time.Second + down)
		}},
		{"an equal priority restarts it, whatever the address", preempting, func(s script) {
			s.backup()
			s.on(time.Second, says(lesser, 192, time.Second))
			s.deadline(time.Second + down)
		}},
		{"a lower priority restarts it without preemption", v2, func(s script) {
			s.backup()
			s.on(time.Second, says(greater, 191, time.Second))
			s.deadline(time.Second + down)
		}},
		{"a lower priority is discarded with preemption", preempting, func(s script) {
			s.backup()
			s.on(time.Second, says(greater, 191, time.Second))
			s.deadline(down)
		}},
		{"the owner is active at once", owner, func(s script) {
			s.on(0, Start{},
				SendAdvert{Priority: PriorityOwner, Interval: interval}, AddVIPs{Lease: 7 * time.Second},
				Announce{Why: "became active"}, move(api.Init, api.Active, OwnsAddress, ""))
		}},
		{"an active answers priority 0 and begins its interval again", v2, func(s script) {
			s.active()
			s.on(time.Second, says(greater, 0, time.Second), append(advert(192), Announce{Why: "a rival was heard: 10.0.0.3"})...)
			s.deadline(3 * time.Second) // the second announcement, and the advertisement
		}},
		{"an active yields to a higher priority", v2, func(s script) {
			s.active()
			s.on(time.Second, says(lesser, 193, time.Second), yields(Preempted, "10.0.0.1 at priority 193")...)
			s.deadline(time.Second + down)
		}},
		{"an active yields to its equal with the greater address", v2, func(s script) {
			s.active()
			s.on(time.Second, says(greater, 192, time.Second), yields(LostTie, "10.0.0.3 at priority 192")...)
		}},
		{"an active discards its equal with the lesser address, without an advertisement", v2, func(s script) {
			s.active()
			s.on(time.Second, says(lesser, 192, time.Second), Rival{From: lesser, Priority: 192}, Announce{Why: "a rival was heard: 10.0.0.1"})
		}},
		{"an active discards a lower priority, without an advertisement", v2, func(s script) {
			s.active()
			s.on(time.Second, says(greater, 191, time.Second), Rival{From: greater, Priority: 191}, Announce{Why: "a rival was heard: 10.0.0.3"})
		}},
		{"an active that stops says priority 0", v2, func(s script) {
			s.active()
			s.on(time.Second, Shutdown{}, append(advert(PriorityLeave), move(api.Active, api.Leaving, Stopping, ""))...)
		}},
	})
}

// RFC 9568 section 7.1 with erratum 8298: an owner that dropped what another
// owner says would stay active beside it for ever.
func TestTwoOwnersOfOneAddressDoNotStayActiveTogether(t *testing.T) {
	for _, version := range []int{2, 3} {
		owner := with(func(c *Config) { c.Version, c.Interval, c.Priority = version, time.Second, PriorityOwner })
		m := New(owner, 1)
		m.Handle(epoch, Start{})
		at := epoch.Add(500 * ms)
		m.Handle(at, Received{From: lesser, Priority: PriorityOwner, Interval: time.Second, At: at})
		if m.State() != api.Active {
			t.Errorf("version %d: %s beside an owner with a lesser address, want active", version, m.State())
		}
		m.Handle(at, Received{From: greater, Priority: PriorityOwner, Interval: time.Second, At: at})
		if m.State() != api.Backup || m.Reason() != LostTie {
			t.Errorf("version %d: %s (%s) beside an owner with a greater address, want backup", version, m.State(), m.Reason())
		}
	}
}

// RFC 9568 section 6.4.3: "unsigned integer comparison of the IPvX addresses in
// network-byte order". Each pair orders otherwise as text or as signed bytes.
func TestATieGoesToTheNumericallyGreaterAddress(t *testing.T) {
	for _, pair := range [][2]string{
		{"10.0.0.9", "10.0.0.10"},
		{"10.0.0.127", "10.0.0.128"},
		{"9.255.255.255", "10.0.0.0"},
		{"fe80::9", "fe80::10"},
		{"fe80::7fff", "fe80::8000"},
		{"2001:db8::ffff", "2001:db8:0:1::"},
	} {
		less, more := netip.MustParseAddr(pair[0]), netip.MustParseAddr(pair[1])
		for _, own := range []netip.Addr{less, more} {
			rival, want := more, api.Backup
			if own == more {
				rival, want = less, api.Active
			}
			m := New(with(func(c *Config) { c.Source = own }), 1)
			m.Handle(epoch, Start{Resume: true})
			m.Handle(epoch, heard(rival, 192, 0))
			if m.State() != want {
				t.Errorf("%s against %s: %s, want %s", own, rival, m.State(), want)
			}
		}
	}
}

// RFC 9568 section 6.4.2: what is discarded leaves nothing behind.
func TestADiscardedAdvertisementTeachesNoInterval(t *testing.T) {
	s := script{t, New(with(func(c *Config) { c.Preempt = true }), 1)}
	s.backup()
	s.on(500*ms, Received{From: greater, Priority: 191, Interval: 40 * time.Second, At: epoch.Add(500 * ms)})
	s.deadline(1300 * ms)
	s.on(600*ms, heard(greater, 0, 600*ms))
	s.deadline(700 * ms)
}

// RFC 9568 section 6.4.3: "in the Active state, the Preempt_Mode Flag is not
// considered".
func TestAnActiveIgnoresThePreemptMode(t *testing.T) {
	for _, preempt := range []bool{false, true} {
		for priority, want := range map[int]api.State{191: api.Active, 193: api.Backup} {
			m := New(with(func(c *Config) { c.Preempt = preempt }), 1)
			m.Handle(epoch, Start{Resume: true})
			m.Handle(epoch, heard(lesser, priority, 0))
			if m.State() != want {
				t.Errorf("preempt %t, a rival at %d: %s, want %s", preempt, priority, m.State(), want)
			}
		}
	}
}

// RFC 3768 section 7.1, rule by rule: version 2 has its own bytes for most of them.
func TestVersion2Receive(t *testing.T) {
	v2 := vectors[slices.IndexFunc(vectors, func(v vector) bool { return v.packet.Version == 2 })]
	src, dst := netip.MustParseAddr(v2.src), netip.MustParseAddr(v2.dst)
	last := len(v2.bytes(t)) - 1
	for _, test := range []struct {
		name   string
		ttl    int
		change func(b []byte) []byte
		want   DropReason
	}{
		{"the TTL is 255", 255, set(2, 100), Accepted},
		{"a TTL of 254 was routed", 254, set(2, 100), DropTTL},
		{"version 3 is another protocol", 255, set(0, 0x31), DropVersion},
		{"a type other than 1 is no advertisement", 255, set(0, 0x22), DropType},
		{"an authentication type of RFC 2338", 255, set(4, 2), DropAuth},
		{"an authentication type that nobody knows", 255, set(4, 255), DropAuth},
		{"an address more than there is", 255, func(b []byte) []byte { b[3]++; return b }, DropTruncated},
		{"authentication data cut short", 255, func(b []byte) []byte { return b[:last] }, DropTruncated},
		{"authentication data is ignored", 255, set(last, 0xff), Accepted},
		{"another virtual router", 255, func(b []byte) []byte { b[1]++; return b }, DropVRID},
		{"another interval", 255, func(b []byte) []byte { b[5]++; return b }, DropInterval},
		{"an address list that is not ours is for the log", 255, set(headerLen, 99), Accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := test.change(v2.bytes(t))
			if _, got := Decode(sealed(b, src, dst), src, dst, test.ttl, v2.expect()); got != test.want {
				t.Errorf("reason is %q, want %q", got, test.want)
			}
		})
	}
}

// RFC 9568 section 5.2.6 and RFC 3768 section 5.3.10, on transmission.
func TestReservedBitsAndAuthenticationDataAreSentAsZero(t *testing.T) {
	src, dst := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("224.0.0.18")
	p := Packet{Version: 3, VRID: 255, Priority: 255, Interval: maxIntervalV3, Addresses: addrs("255.255.255.255")}
	b, err := Encode(p, src, dst)
	if err != nil || b[4] != 0x0f || b[5] != 0xff {
		t.Errorf("version 3: % x, %v; want 0f ff in bytes 4 and 5", b, err)
	}
	p.Version, p.Interval = 2, maxIntervalV2
	b, err = Encode(p, src, dst)
	if err != nil || b[4] != 0 || !bytes.Equal(b[len(b)-authLen:], make([]byte, authLen)) {
		t.Errorf("version 2: % x, %v; want authentication type 0 and 8 bytes of zero at the end", b, err)
	}
}
