package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
)

// details are those of the events of a kind.
func (r *rig) details(kind string) (out []string) {
	events, _ := r.engine.Events(0)
	for _, ev := range events {
		if ev.Kind == kind {
			out = append(out, ev.Detail)
		}
	}
	return out
}

var foreign = netip.PrefixFrom(vip4.Addr(), 24)

func TestABackupRemovesAVIPThatSomebodyPutThereOtherwiseAndNamesIt(t *testing.T) {
	for _, atStart := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			nic := newFakeNIC()
			put := func(n *fakeNIC) { n.foreign = []netip.Prefix{foreign} }
			want := []string{"somebody has put 10.0.0.136/24 on ens3"}
			if atStart {
				put(nic)
			}
			r := begin(t, nic, testConfig())
			if !atStart {
				nic.change(put)
				want = append(want, "removed from ens3: this member is backup")
			}
			r.want(api.Backup)
			if len(nic.foreign) > 0 {
				t.Error("it is still there")
			}
			if diff := cmp.Diff(want, r.details("vip")); diff != "" {
				t.Errorf("at the start %t: events (-want +got):\n%s", atStart, diff)
			}
		})
	}
}

// It is tried at each look, and told of once.
func TestAVIPThatCannotBeRemovedIsAProblemUntilItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := begin(t, newFakeNIC(), testConfig())
		r.nic.wire.hear(250)
		for range 3 {
			r.nic.change(func(n *fakeNIC) {
				n.foreign, n.removes = []netip.Prefix{foreign}, errors.New("the server's own address would go with it")
			})
		}
		got := r.router()
		if p, ok := r.problem(api.ProblemFault); !ok || !strings.Contains(p.Detail, "own address would go") || !got.Held {
			t.Errorf("problem %+v, held %t; want it to be named and said to be held", p, got.Held)
		}
		if n := got.Counters["vips_removed"]; n != 0 || got.Counters["failed_remove_vip"] != 3 {
			t.Errorf("%d VIPs removed, %d failures; want none of 3", n, got.Counters["failed_remove_vip"])
		}
		if got := r.details("vip"); !slices.Equal(got, []string{"somebody has put 10.0.0.136/24 on ens3"}) {
			t.Errorf("events %q", got)
		}
		r.nic.change(func(n *fakeNIC) { n.foreign = nil }) // by hand
		if p, ok := r.problem(api.ProblemFault); ok {
			t.Errorf("it is gone, and the status still says %q", p.Detail)
		}
		r.want(api.Backup)
	})
}
