package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/failover"
)

const ms = time.Millisecond

// sample has a round that failed, one that passed and one that was not possible,
// and names that would break out of the page.
func sample() failover.Report {
	reboot, _ := failover.Find(failover.ServerReboot)
	reload, _ := failover.Find(failover.NetReload)
	var beats []api.Beat
	for at := time.Duration(0); at < 8*time.Second; at += 50 * ms {
		b := api.Beat{Seq: len(beats), Sent: api.Duration(at)}
		if at < 2*time.Second || at > 5*time.Second {
			b.Heard = api.Duration(at + ms)
		}
		beats = append(beats, b)
	}
	record := func(n int) failover.Record {
		return failover.Record{
			Fault: reboot, Number: n, Before: "<b>one</b>", After: "two",
			Injected: 2 * time.Second, Settled: 5 * time.Second, Undone: 7 * time.Second, Ended: 8 * time.Second,
			Paths: []failover.Path{{Name: failover.Outside, From: "here", To: "203.0.113.10 icmp", Every: 50 * ms, Beats: beats}},
			Members: []failover.Witnessed{
				{Name: "<b>one</b>", Was: api.Active, Held: []failover.Span{{From: 0, To: 2 * time.Second}}, Blind: []failover.Span{{From: 2 * time.Second, To: 6 * time.Second}}},
				{
					Name: "two", Was: api.Backup, Held: []failover.Span{{From: 4900 * ms, To: 8 * time.Second}},
					Events: []failover.Stamped{{At: 4900 * ms, Event: api.Event{Kind: "transition", From: api.Backup, To: api.Active, Reason: `no "advertisement" & heard`}}},
				},
			},
			Trouble: []string{"one: <script>alert(1)</script>"},
		}
	}
	rep := failover.Report{
		Group: "bastion", Target: "icmp", Every: 50 * ms, Limits: failover.Limits{Downtime: 1900 * ms, Lost: -1, TwoOwners: -1},
		Began: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Took: time.Minute,
	}
	rep.Rounds = append(rep.Rounds, failover.Judge(record(1), rep.Limits))
	lenient := rep.Limits
	lenient.Downtime = time.Minute
	rep.Rounds = append(rep.Rounds, failover.Judge(record(2), lenient))
	rep.Rounds = append(rep.Rounds, failover.Round{Number: 3, Fault: reload, Verdict: failover.NotPossible, Why: []string{"no network manager"}})
	return rep
}

func TestTheJUnitFileIsReadAsPipelinesReadIt(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Suites[0]
	if s.Tests != 3 || s.Failures != 1 || s.Skipped != 1 || len(s.Cases) != 3 {
		t.Errorf("the suite is %+v", s)
	}
	if f := s.Cases[0].Failure; f == nil || !strings.HasPrefix(f.Message, "failed: outside: silent for ") {
		t.Errorf("the failure is %+v", f)
	}
	if s.Cases[1].Failure != nil || s.Cases[2].Skipped == nil || s.Cases[2].Name != "net-reload" {
		t.Errorf("the cases are %+v", s.Cases)
	}
}

func TestThePageIsWellFormedAndNeedsNothingElse(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, sample()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"Round 1: server-reboot", "no network manager", "silent for", "&lt;script&gt;", `class="lost"`, `class="held"`, `class="blind"`, `class="state active"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if m := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|href=|url\(|@import|https?://`).FindString(page); m != "" {
		t.Errorf("the page has %q: it is to need nothing else", m)
	}
	// Each element that is opened is closed, in order.
	void := map[string]bool{"meta": true, "br": true}
	var open []string
	z := html.NewTokenizer(&b)
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			if z.Err() != io.EOF {
				t.Fatal(z.Err())
			}
			break
		}
		name, _ := z.TagName()
		switch n := string(name); {
		case tt == html.StartTagToken && !void[n]:
			open = append(open, n)
		case tt == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != n {
				t.Fatalf("</%s> closes %v", n, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v is not closed", open)
	}
}
