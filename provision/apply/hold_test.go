package apply

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// holder is a run on the clock of the test that has the lock of group g.
func holder(t *testing.T, c *fakeCloud) (*Runner, string) {
	t.Helper()
	g, err := c.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "havip-g", Description: plan.Description("g", 51)})
	if err != nil {
		t.Fatal(err)
	}
	r := runner(c, &fakeServers{})
	r.Now = time.Now
	if err := r.Acquire(t.Context(), "g", g); err != nil {
		t.Fatal(err)
	}
	return r, g.ID
}

// seize is what a rival does when the lock has run out.
func seize(c *fakeCloud, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[id]
	g.Description = Lock{Holder: "bob@laptop/2", Until: time.Now().Add(LockTime)}.In(plan.Description("g", 51))
	g.Revision++
}

func TestALongRunKeepsItsLock(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(*fakeCloud, string) // each call
	}{
		{name: "it is renewed"},
		{name: "also when the cloud does not answer for a while", before: func(c *fakeCloud, _ string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.calls) < 6 {
				c.fail["get group"] = errors.New("no answer")
			} else {
				clear(c.fail)
			}
		}},
		{name: "also when somebody tags the group meanwhile", before: func(c *fakeCloud, call string) {
			if call == "describe group group-1" {
				c.mu.Lock()
				defer c.mu.Unlock()
				if len(c.calls)%3 == 0 {
					c.groups["group-1"].Revision++
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newFakeCloud()
				r, id := holder(t, c)
				if tt.before != nil {
					c.before = func(call string) { tt.before(c, call) }
				}
				ctx, end := r.Hold(t.Context(), "g")
				time.Sleep(3 * LockTime)
				synctest.Wait()
				if err := ctx.Err(); err != nil {
					t.Errorf("the run was ended: %v", context.Cause(ctx))
				}
				end()
				l, _ := ParseLock(c.groups[id].Description)
				if l.Holder != r.Holder || time.Until(l.Until) < LockTime/3 {
					t.Errorf("lock: %+v", l)
				}
				c.before = nil
				if err := r.Release(t.Context(), "g", 51, id); err != nil || c.groups[id].Description != plan.Description("g", 51) {
					t.Errorf("release: %v, %q", err, c.groups[id].Description)
				}
			})
		})
	}
}

func TestARunThatLostItsLockEndsAndLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCloud()
		r, id := holder(t, c)
		ctx, end := r.Hold(t.Context(), "g")
		defer end()
		seize(c, id)
		select {
		case <-ctx.Done():
		case <-time.After(3 * LockTime):
			t.Fatal("the run goes on")
		}
		var lost *LockedError
		if !errors.As(context.Cause(ctx), &lost) || lost.Lock.Holder != "bob@laptop/2" {
			t.Errorf("cause: %v", context.Cause(ctx))
		}
		theirs := c.groups[id].Description
		if err := r.Release(t.Context(), "g", 51, id); err != nil || c.groups[id].Description != theirs {
			t.Errorf("release: %v, %q", err, c.groups[id].Description)
		}
	})
}

// A laptop sleeps with the lock held, and Go's monotonic clock stands still
// (package time, "Monotonic Clocks"). Another run takes the lock over, rightly,
// and may be over already.
func TestARunThatSleptLeavesWhatAnotherWroteMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wrote func(c *fakeCloud, id string)
	}{
		{name: "its lock", wrote: seize},
		{name: "its mark", wrote: func(c *fakeCloud, id string) {
			c.groups[id].Description = plan.Description("g", 52)
		}},
		{name: "its lock, just before ours is given back", wrote: func(c *fakeCloud, id string) {
			c.before = func(call string) {
				if call == "describe group "+id {
					c.before = nil
					seize(c, id)
				}
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newFakeCloud()
			r, id := holder(t, c)
			start := time.Now()
			r.Now = func() time.Time { return start }
			tt.wrote(c, id)
			if err := r.Release(t.Context(), "g", 51, id); err != nil {
				t.Fatal(err)
			}
			got := c.groups[id].Description
			if lock, mark := ParseLock(got); lock.Holder != "bob@laptop/2" && mark != plan.Description("g", 52) {
				t.Errorf("it was written over: %q", got)
			}
		})
	}
}

func TestASleepCountsAsTimeThatTheLockWasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCloud()
		r, id := holder(t, c)
		var slept atomic.Int64
		start := time.Now()
		// the wall clock alone goes on in a sleep
		r.Now = func() time.Time { return time.Now().Round(0).Add(time.Duration(slept.Load())) }
		ctx, end := r.Hold(t.Context(), "g")
		defer end()
		seize(c, id)
		slept.Store(int64(LockTime))
		<-ctx.Done()
		var lost *LockedError
		if !errors.As(context.Cause(ctx), &lost) || time.Since(start) > 2*lookPause {
			t.Errorf("after %v: %v", time.Since(start), context.Cause(ctx))
		}
	})
}

// asleep is a moment after from, of which the monotonic clock saw nothing. No
// function of package time makes one: it is the second field of Time.
func asleep(t *testing.T, from time.Time, slept time.Duration) time.Time {
	t.Helper()
	to := from.Add(slept)
	(*struct {
		_         uint64
		monotonic int64
		_         *time.Location
	})(unsafe.Pointer(&to)).monotonic -= int64(slept)
	if to.Sub(from) != 0 || to.Round(0).Sub(from.Round(0)) != slept {
		t.Fatal("package time keeps its clocks otherwise now")
	}
	return to
}

func TestTimePassesByTheClockThatWentFurther(t *testing.T) {
	from := time.Now()
	to := asleep(t, from, time.Hour)
	if got := passed(from, to); got != time.Hour {
		t.Errorf("a sleep of an hour: got %v", got)
	}
	if got := passed(asleep(t, from, time.Hour), from.Add(time.Minute)); got != time.Minute {
		t.Errorf("the wall clock was set back by an hour: got %v", got)
	}
}

func TestAGroupThatWasDeletedHasNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeCloud()
		r, id := holder(t, c)
		ctx, end := r.Hold(t.Context(), "g")
		if err := c.DeleteSecurityGroup(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(LockTime)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Errorf("the run was ended: %v", context.Cause(ctx))
		}
		end()
		if err := r.Release(t.Context(), "g", 51, id); err != nil {
			t.Errorf("release: %v", err)
		}
	})
}
