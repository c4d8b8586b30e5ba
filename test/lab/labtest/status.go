package labtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// Status is what tests read of `havip status -o json`.
type Status struct {
	Healthy    bool
	VRID       int
	Interval   string
	VIPs       []VIP
	Members    []Member
	Deviations []struct{ Object, Message, Cure string }
}

// VIP is one of its addresses.
type VIP struct {
	Address    string
	FloatingIP string `json:"floating_ip"`
}

// Member is one of its members.
type Member struct {
	Name, State string
	Agent       struct{ Routers []struct{ Held bool } }
}

// Active names the active member, "" when there is none.
func (s Status) Active() string {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.State == "active" })
	if i < 0 {
		return ""
	}
	return s.Members[i].Name
}

// Look asks for the status of a group, named as havip status takes it.
func Look(t *testing.T, group ...string) (Status, Output) {
	t.Helper()
	o := Havip(t, append([]string{"status", "-o", "json"}, group...)...)
	var s Status
	if err := json.Unmarshal([]byte(o.Out), &s); err != nil {
		t.Fatalf("read the status: %v\n%v", err, o)
	}
	return s, o
}

// Healthy waits until a group is, and returns how it is then.
func Healthy(t *testing.T, group string) Status {
	t.Helper()
	var s Status
	Eventually(t, "a healthy group", func() error {
		var o Output
		if s, o = Look(t, group); !s.Healthy || o.Code != 0 {
			return fmt.Errorf("status: %v", o)
		}
		return nil
	})
	return s
}
