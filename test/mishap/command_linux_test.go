package mishap

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/test/field"
)

// The command of a check lies on a file system whose server hangs: a file that is
// leased, and not given back, stands in for it. Only the check notices.
func TestACommandThatCannotBeLoadedDoesNotMoveTheVIP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the agent is not root
		t.Fatal(err)
	}
	path := filepath.Join(dir, "check")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := newGroup(t, field.IPv4, 2, unhurried)
	active := g.members[0]
	g.heard(active)
	still := g.still()
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatalf("%s cannot be leased: %v (HAVIP_REQUIRE_NETNS=1)", path, err)
		}
		t.Skipf("%s cannot be leased: %v", path, err)
	}
	c := g.config(0)
	c.Checks = []config.Check{config.Check{Name: "command", Exec: []string{path}, Interval: api.Duration(time.Second), Fall: 100}.WithDefaults()}
	active.reload(c)
	field.EventuallyOr(t, func() bool {
		checks := active.Status().Checks
		return len(checks) == 1 && strings.Contains(checks[0].Why, "no answer within")
	}, func() string { return fmt.Sprintf("the check fails: %+v", active.Status().Checks) })
	for range 2 { // longer than a takeover takes
		g.heard(active)
	}
	still("a command that cannot be loaded")
}
