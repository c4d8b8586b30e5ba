//go:build acceptance

package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)

// group is what one test makes: a name of this run's own, its VIP ("" leaves
// the address to Neutron), and the world's servers that are its members.
type group struct {
	name, vip string
	members   []*host
}

// newGroup names a group. When the test ends it is deleted, and every server
// runs, whatever the test did.
func newGroup(t *testing.T, name, vip string, members ...*host) *group {
	t.Helper()
	g := &group{name: the.prefix + name, vip: vip, members: members}
	t.Cleanup(func() {
		restart(t)
		if o := havip(on("delete", g.name, "--yes")...); o.code != 0 {
			t.Errorf("clean up:\n%v", o)
		}
	})
	return g
}

// create are the arguments of "havip create" for the group.
func (g *group) create(more ...string) []string {
	args := []string{"create", g.name, "--network", the.network, "--verify", "none", "--host-keys", "accept-new", "--yes"}
	if g.vip != "" {
		args = append(args, "--address", g.vip)
	}
	for _, m := range g.members {
		args = append(args, "--server", m.id)
	}
	return on(append(args, more...)...)
}

// delete are those of "havip delete".
func (g *group) delete(more ...string) []string {
	return on(append([]string{"delete", g.name, "--yes"}, more...)...)
}

func (g *group) vipPort() string { return "havip-" + g.name + "-v4" }
func (g *group) sg() string      { return "havip-" + g.name }
func (g *group) unit() string    { return "havip-agent@" + g.name }

// restart starts the servers that a test left switched off.
func restart(t *testing.T) {
	t.Helper()
	for _, h := range the.servers {
		s, err := servers.Get(context.Background(), the.compute, h.id).Extract()
		if err != nil {
			t.Fatal(err)
		}
		if s.Status != "ACTIVE" {
			h.powerOn(t)
		}
	}
}

// atOnce runs jobs side by side and fails the test with all their errors: the
// openstack command takes its second and a half whatever it does.
func atOnce(t *testing.T, jobs ...func() error) {
	t.Helper()
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { errs[i] = job() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// cli is a job for atOnce: the openstack command with what it is to do.
func cli(args ...string) func() error {
	return func() error {
		o := command([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, append([]string{"env", "openstack"}, args...)...)
		if o.code != 0 {
			return fmt.Errorf("%v", o)
		}
		return nil
	}
}

// runs is a job for atOnce: a command on a server.
func (h *host) runs(script string) func() error {
	return func() error {
		if o := h.ssh(script); o.code != 0 {
			return fmt.Errorf("on %s:\n%v", h.name, o)
		}
		return nil
	}
}

// says fails the test unless a command's output, both streams together, holds
// every one of the texts.
func says(t *testing.T, o output, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.out+o.err, text) {
			t.Errorf("it does not say %q:\n%v", text, o)
		}
	}
}

// untouched fails the test when a run with -v made a request that changes
// something.
func untouched(t *testing.T, o output) {
	t.Helper()
	// Nova shows a console in answer to a POST.
	console := func(r string) bool { return strings.HasPrefix(r, "POST ") && strings.HasSuffix(r, "/action") }
	if w := slices.DeleteFunc(writes(requests(t, o)), console); len(w) > 0 {
		t.Errorf("nothing was to be touched, and it wrote: %v", w)
	}
}

// owner waits until exactly one of the members has the VIP, as ip shows it on
// each, and names that one.
func (g *group) owner(t *testing.T) *host {
	t.Helper()
	var owner *host
	wait(t, "one owner of "+g.vip, func() error {
		var owners []*host
		for _, h := range g.members {
			if h.holds(t, g.vip) {
				owners = append(owners, h)
			}
		}
		if len(owners) != 1 {
			return fmt.Errorf("%d of %d members have it", len(owners), len(g.members))
		}
		owner = owners[0]
		return nil
	})
	return owner
}

// member is what the status says of one server.
func (s status) member(t *testing.T, h *host) (found member) {
	t.Helper()
	for _, m := range s.Members {
		if m.Name == h.name {
			return m
		}
	}
	t.Fatalf("%s is no member: %+v", h.name, s.Members)
	return found
}
