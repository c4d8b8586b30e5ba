package report

import (
	"bytes"
	"encoding/xml"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"

	"github.com/havip/havip/provision/failover"
)

func read(t *testing.T, rep failover.Report) (junit.Suite, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, rep); err != nil {
		t.Fatal(err)
	}
	all, err := junit.Ingest(b.Bytes())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d suites: %v\n%s", len(all), err, b.String())
	}
	return all[0], b.Bytes()
}

func TestAJUnitReaderFindsEachRoundAsItWas(t *testing.T) {
	rep := sample()
	s, text := read(t, rep)
	if s.Name != "havip failover-test bastion" || s.Properties["timestamp"] != "2026-11-22T12:00:00" || s.Properties["time"] != "60.000" {
		t.Errorf("the suite is %q, %v", s.Name, s.Properties)
	}
	type row struct {
		Name, Class string
		Status      junit.Status
		Took        time.Duration
		Message     string
		Body        string
	}
	var got []row
	for _, c := range s.Tests {
		r := row{Name: c.Name, Class: c.Classname, Status: c.Status, Took: c.Duration, Message: c.Message}
		if e, ok := c.Error.(junit.Error); ok {
			r.Body = e.Body
		}
		got = append(got, r)
	}
	const silent = "outside: silent for 3.05s, the limit is 1.9s"
	want := []row{
		{"server-reboot, round 1", "failover.bastion", junit.StatusFailed, 8 * time.Second, "failed: " + silent, silent},
		{"server-reboot, round 2", "failover.bastion", junit.StatusPassed, 8 * time.Second, "", ""},
		{
			"server-reboot, round 3", "failover.bastion", junit.StatusError, 8 * time.Second,
			"inconclusive: " + silent, silent + "\nwhat is not failed over was silent as well: the line loses packets",
		},
		{"net-reload", "failover.bastion", junit.StatusSkipped, 0, "not possible: no network manager", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the cases (-want +got):\n%s", diff)
	}

	// What the file says of itself is what its cases add up to.
	var said struct {
		totals
		Suites []struct{ totals } `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	for _, sum := range []totals{said.totals, said.Suites[0].totals} {
		if sum.Tests != s.Totals.Tests || sum.Failures != s.Totals.Failed || sum.Errors != s.Totals.Error || sum.Skipped != s.Totals.Skipped {
			t.Errorf("the file says %+v, its cases %+v", sum, s.Totals)
		}
	}
}

func TestWhatWasBrokenOffOrLeftIsAnErrorInJUnit(t *testing.T) {
	rep := sample()
	rep.Rounds = rep.Rounds[1:2] // the one that passed
	rep.Broken, rep.Left = "interrupted", []string{"port of one: it was up, and is down"}
	s, _ := read(t, rep)
	if want := (junit.Totals{Tests: 3, Passed: 1, Error: 2, Duration: 8 * time.Second}); s.Totals != want {
		t.Errorf("the totals are %+v, want %+v", s.Totals, want)
	}
	if got := s.Tests[1].Message; got != "broken off: interrupted" {
		t.Errorf("the first error is %q", got)
	}
	if got := s.Tests[2].Message; got != "not put back: port of one: it was up, and is down" {
		t.Errorf("the second error is %q", got)
	}
}

// GitLab knows a case by class and name, and takes the first of two alike.
func TestEachJUnitCaseHasANameOfItsOwn(t *testing.T) {
	rep := sample()
	rep.Broken, rep.Left = "interrupted", []string{"a port"}
	s, _ := read(t, rep)
	seen := map[string]bool{}
	for _, c := range s.Tests {
		if key := c.Classname + " " + c.Name; seen[key] {
			t.Errorf("two cases are %q", key)
		} else {
			seen[key] = true
		}
	}
}
