package life

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/havip/havip/test/lab/labtest"
)

// However often a group is made, its first member is the active one, and the
// others never are: not even for the moment in which agents start side by side
// and do not hear each other yet.
func TestTheFirstMemberOfANewGroupIsActiveAlone(t *testing.T) {
	g := newGroup(t, "first")
	const interval = "{interval: 300ms}" // the default
	text := strings.ReplaceAll(strings.Replace(file, "{interval: 1s}", interval, 1), "GROUP", g.name)
	for _, servers := range [][]string{
		{"bastion-1", "bastion-2"},
		{"bastion-2", "bastion-1"},
		{"bastion-3", "bastion-1", "bastion-2"},
		{"bastion-2", "bastion-3", "bastion-1"},
		{"bastion-1", "bastion-3", "bastion-2"},
	} {
		g.write(strings.Replace(text, "bastion-1, bastion-2", strings.Join(servers, ", "), 1))
		labtest.Must(t, 0, "create", "-f", g.file, "--yes")
		// What a stall of this machine brings about later is another matter.
		done := time.Now()
		for i, server := range servers {
			switch was := activeBefore(t, server, g.name, done); {
			case i == 0 && was != "switchover to this member":
				t.Errorf("%v: the first is active for another reason than being asked: %q", servers, was)
			case i > 0 && was != "":
				t.Errorf("%v: %s was active too: %s", servers, server, was)
			}
		}
		labtest.Must(t, 0, "delete", g.name, "--yes")
	}
	g.gone(t)
}

// activeBefore is why a server's agent first was active before a time, "" when
// it was not.
func activeBefore(t *testing.T, server, group string, end time.Time) string {
	t.Helper()
	lines := json.NewDecoder(strings.NewReader(on(t, server, "havip-agent events --json --group "+group)))
	for lines.More() {
		var ev struct {
			Time             time.Time
			Kind, To, Reason string
		}
		if err := lines.Decode(&ev); err != nil {
			t.Fatal(err)
		}
		if ev.Kind == "transition" && ev.To == "active" && ev.Time.Before(end) {
			return ev.Reason
		}
	}
	return ""
}
