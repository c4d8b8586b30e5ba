//go:build acceptance

package acceptance

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// killed runs havip with -v and kills it (-9) as soon as it has written a line
// to stderr that at accepts. It returns what it had written.
func killed(t *testing.T, what string, at func(line string) bool, args ...string) {
	t.Helper()
	c := exec.Command(the.bin, append(args, "-v")...)
	stderr, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	hit := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		written.WriteString(lines.Text() + "\n")
		if !hit && at(lines.Text()) {
			hit = true
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = c.Wait()
	if !hit {
		t.Fatalf("havip was to be killed %s and came to its end: %v\n%s", what, err, written.String())
	}
	t.Logf("killed %s", what)
}

// wrote tells whether a line of a trace is a request that changes something
// and begins so, e.g. "PUT /v2.0/ports/".
func wrote(prefix string) func(string) bool {
	return func(line string) bool {
		var r request
		if json.Unmarshal([]byte(line), &r) != nil || strings.HasSuffix(r.Request, "/auth/tokens") {
			return false
		}
		method, path, _ := strings.Cut(r.Request, " ")
		i := strings.Index(path, "/v2.0/")
		return method != "GET" && i >= 0 && strings.HasPrefix(method+" "+path[i:], prefix)
	}
}

// A create that dies anywhere is carried on by the next one, a delete
// likewise, and in the end nothing is left.
func TestRunsAreKilled(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "killed", "10.77.0.227", one, two)
	before := snapshot(t)
	create := g.create("--floating-ip", the.vipFIP)

	killed(t, "after its first write", wrote(""), create...)
	killed(t, "after the first member's port", wrote("PUT /v2.0/ports/"), create...)
	killed(t, "after the first agent", func(line string) bool {
		return strings.HasPrefix(strings.TrimSpace(line), one.name+" ") || strings.HasPrefix(strings.TrimSpace(line), two.name+" ")
	}, create...)

	mustHavip(t, 0, create...)
	healthy(t, g.name)
	checkCloud(t, g.name, g.vip, one, two)
	answers(t, the.vipFIP, g.owner(t))
	says(t, mustHavip(t, 0, create...), "no changes")

	t.Log("a delete that dies is carried on too")
	// Its requests run side by side: what was killed may have done more than
	// it said, but it takes the lock before all else.
	killed(t, "after it took the lock", wrote("PUT /v2.0/security-groups/"), g.delete()...)
	killed(t, "after it took something away", wrote("DELETE /v2.0/"), g.delete()...)
	mustHavip(t, 0, g.delete()...)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
}

// Of two creates at once one makes the group; the other says who is at it, or
// comes late enough to find nothing to do. No second VIP is left, although
// neither was told which address to take.
func TestTwoCreatesAtOnce(t *testing.T) {
	one, two := the.servers[0], the.servers[1]
	g := newGroup(t, "twins", "", one, two)
	before := snapshot(t)
	create := g.create()
	both := make([]output, 2)
	var wg sync.WaitGroup
	for i := range both {
		wg.Go(func() { both[i] = havip(create...) })
	}
	wg.Wait()
	won := 0
	for _, o := range both {
		switch {
		case o.code == 0:
			won++
		case o.code == 1 && strings.Contains(o.err, "group \""+g.name+"\" is being "):
			t.Logf("the other says:\n%s", o.err)
		default:
			t.Errorf("neither did it nor said who does:\n%v", o)
		}
	}
	if won == 0 {
		t.Errorf("none of the two made the group:\n%v\n%v", both[0], both[1])
	}

	st := healthy(t, g.name)
	g.vip = st.VIPs[0].Address
	g.owner(t)
	var ports, groups []struct{ ID, Name string }
	openstackCLI(t, &ports, "port", "list", "--network", the.network, "--tags", "havip:group="+g.name)
	openstackCLI(t, &groups, "security", "group", "list", "--tags", "havip:group="+g.name)
	if len(ports) != 1 || len(groups) != 1 {
		t.Errorf("want one VIP port and one security group: %+v %+v", ports, groups)
	}
	says(t, mustHavip(t, 0, create...), "no changes")
	mustHavip(t, 0, g.delete()...)
	if diff := cmp.Diff(before, snapshot(t)); diff != "" {
		t.Errorf("delete leaves the cloud changed (-before +after):\n%s", diff)
	}
}
