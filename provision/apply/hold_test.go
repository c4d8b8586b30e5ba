package apply

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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

func TestAShortRunReleasesWithoutALook(t *testing.T) {
	c := newFakeCloud()
	r, id := holder(t, c)
	_, end := r.Hold(t.Context(), "g")
	end()
	if err := r.Release(t.Context(), "g", 51, id); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(c.calls, "get group "+id) {
		t.Errorf("calls: %v", c.calls)
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
