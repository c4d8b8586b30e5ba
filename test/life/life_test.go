package life

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/havip/havip/test/lab/labtest"
)

const (
	vip  = "10.0.0.136"
	fip  = "203.0.113.10"
	file = `version: 1
name: GROUP
servers: [bastion-1, bastion-2]
vrrp: {interval: 1s}
vips:
  - {network: internal, address: 10.0.0.136, floating_ip: 203.0.113.10}
`
)

// group is one that a test makes: a file, and a cloud to go back to.
type group struct {
	t      *testing.T
	name   string
	file   string
	cloud  *gophercloud.ServiceClient
	before string
}

// newGroup writes its file. When the test ends the group is gone and the
// cloud as before.
func newGroup(t *testing.T, name string) *group {
	t.Helper()
	labtest.Need(t)
	g := &group{t: t, name: name, file: filepath.Join(t.TempDir(), name+".yaml"), cloud: neutron(t)}
	g.before = snapshot(t, g.cloud)
	g.write(strings.ReplaceAll(file, "GROUP", name))
	t.Cleanup(func() { labtest.Havip(t, "delete", name, "--yes") })
	return g
}

func (g *group) write(text string) {
	g.t.Helper()
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// create makes it so, and then finds nothing left to do.
func (g *group) create(t *testing.T, more ...string) labtest.Output {
	t.Helper()
	o := labtest.Must(t, 0, append([]string{"create", "-f", g.file, "--yes"}, more...)...)
	labtest.Healthy(t, g.name)
	if again := labtest.Must(t, 0, "create", "-f", g.file, "--yes"); !strings.Contains(again.Out, "no changes") {
		t.Errorf("the second create does not say that there are no changes:\n%v", again)
	}
	return o
}

// gone deletes it and compares the cloud.
func (g *group) gone(t *testing.T) {
	t.Helper()
	labtest.Must(t, 0, "delete", g.name, "--yes")
	if d := cmp.Diff(g.before, snapshot(t, g.cloud)); d != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", d)
	}
	for _, server := range []string{"bastion-1", "bastion-2", "bastion-3"} {
		if left := on(t, server, "ls -d /etc/havip /usr/local/bin/havip-agent /etc/init.d/havip-* /etc/rc?.d/*havip* 2>/dev/null; getent passwd havip; ip -o addr | grep "+vip+"/; true"); left != "" {
			t.Errorf("delete leaves on %s:\n%s", server, left)
		}
	}
	labtest.Must(t, 0, "delete", g.name, "--yes")
}

// Each field of the group file is changed in a group that runs, one after the
// other. The intervals are long: a busy machine must not look like a failure.
func TestEachFieldIsChanged(t *testing.T) {
	g := newGroup(t, "change")
	g.create(t)
	text := strings.ReplaceAll(file, "GROUP", g.name)
	edit := func(from, to string) {
		t.Helper()
		if !strings.Contains(text, from) {
			t.Fatalf("the file has no %q", from)
		}
		text = strings.Replace(text, from, to, 1)
		g.write(text)
	}
	if s := labtest.Healthy(t, g.name); s.Active() == "" || s.VIPs[0].Address != vip || s.VIPs[0].FloatingIP != fip {
		t.Errorf("status of a new group: %+v", s)
	}
	for _, step := range []struct {
		name     string
		from, to string
		want     func(s labtest.Status) bool
		stays    bool // the active member is the same afterwards
	}{
		{"the interval", "{interval: 1s}", "{interval: 2s}", func(s labtest.Status) bool { return s.Interval == "2s" }, true},
		{"preempt", "{interval: 2s}", "{interval: 2s, preempt: true}", func(s labtest.Status) bool { return s.Active() == "bastion-1" }, false},
		{"a check", "vrrp:", "checks: [{name: ssh, tcp: \":22\"}]\nvrrp:", nil, true},
		{"the check's timing", "tcp: \":22\"", "tcp: \":22\", interval: 2s, fall: 2", nil, true},
		{"no check", "checks: [{name: ssh, tcp: \":22\", interval: 2s, fall: 2}]\n", "", nil, true},
		{"a third member", "bastion-2]", "bastion-2, bastion-3]", func(s labtest.Status) bool { return len(s.Members) == 3 }, true},
		{"no floating IP", ", floating_ip: 203.0.113.10", "", func(s labtest.Status) bool { return s.VIPs[0].FloatingIP == "" }, true},
		{"a floating IP", "136}", "136, floating_ip: 203.0.113.10}", func(s labtest.Status) bool { return s.VIPs[0].FloatingIP == fip }, true},
		{"what must answer", "version: 1\n", "version: 1\nverify: icmp\n", nil, true},
		{"the VRID", "{interval: 2s,", "{id: 77, interval: 2s,", func(s labtest.Status) bool { return s.VRID == 77 }, false},
		{"without the active one", "[bastion-1, ", "[", func(s labtest.Status) bool { return len(s.Members) == 2 && s.Active() == "bastion-2" }, false},
		{"another order", "[bastion-2, bastion-3]", "[bastion-3, bastion-2]", func(s labtest.Status) bool { return s.Members[0].Name == "bastion-3" }, false},
	} {
		was := labtest.Healthy(t, g.name).Active()
		edit(step.from, step.to)
		code := 3
		if step.name == "what must answer" { // nothing in the cloud or on a server depends on it
			code = 0
		}
		labtest.Must(t, code, "plan", "-f", g.file, "--exit-code")
		g.create(t)
		s := labtest.Healthy(t, g.name)
		if step.want != nil {
			labtest.Eventually(t, step.name, func() error { // preempting takes its time
				if s = labtest.Healthy(t, g.name); !step.want(s) {
					return fmt.Errorf("status %+v", s)
				}
				return nil
			})
		}
		if step.stays && s.Active() != was {
			t.Errorf("%s: the active member was %s and is %s", step.name, was, s.Active())
		}
	}
	g.gone(t)
}

// What cannot change is refused, with the way to do it.
func TestWhatCannotChangeIsRefused(t *testing.T) {
	g := newGroup(t, "fixed")
	g.create(t)
	made := snapshot(t, g.cloud)
	text := strings.ReplaceAll(file, "GROUP", g.name)
	g.write(strings.ReplaceAll(text, vip, "10.0.0.137"))
	o := labtest.Must(t, 4, "create", "-f", g.file, "--yes")
	if !strings.Contains(o.Err, "havip delete "+g.name) {
		t.Errorf("it does not say how to change the address:\n%v", o)
	}
	if d := cmp.Diff(made, snapshot(t, g.cloud)); d != "" {
		t.Errorf("a refused create changed the cloud (-before +after):\n%s", d)
	}
	g.write(text)
	g.gone(t)
}
