package vip

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel sends from an optimistic address (RFC 4429) while it asks about it.
func TestAnAddressThatTheKernelDoesNotSendFromIsNotUsable(t *testing.T) {
	own := netip.MustParseAddr("fe80::1")
	tentative := "fe80::1 on ens3 is tentative: duplicate address detection has not ended"
	duplicate := "fe80::1 is a duplicate on the link of ens3: another station has it too"
	for _, tt := range []struct {
		flags uint32
		want  string
	}{
		{unix.IFA_F_PERMANENT, ""},
		{unix.IFA_F_PERMANENT | unix.IFA_F_TENTATIVE, tentative},
		{unix.IFA_F_PERMANENT | unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC, ""},
		{unix.IFA_F_PERMANENT | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED, duplicate},
		{unix.IFA_F_PERMANENT | unix.IFA_F_DEPRECATED, ""},
	} {
		l := testLink(t, 2, "ens3", "")
		l.addresses = []address{{prefix: netip.PrefixFrom(own, 64), flags: tt.flags}}
		if usable, why := judge(l, own); why != tt.want || usable != (tt.want == "") {
			t.Errorf("flags %#x: got %v %q, want %q", tt.flags, usable, why, tt.want)
		}
		if got := l.lacksOnly(own); got != (tt.want != "") {
			t.Errorf("flags %#x: lacks only the address: %v", tt.flags, got)
		}
	}
}
