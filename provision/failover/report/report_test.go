package report

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/failover"
)

const ms = time.Millisecond

// sample has a round that failed, one that passed, one that was inconclusive and one
// that was not possible, and names that would break out of the page.
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
			Injected: 2 * time.Second, Settled: 5 * time.Second, Undoing: 6500 * ms, Undone: 7 * time.Second, Ended: 8 * time.Second,
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
		Group: "bastion", VIP: netip.MustParseAddr("10.0.0.136"), Outside: netip.MustParseAddr("203.0.113.10"), Target: "icmp", Every: 50 * ms, Limits: failover.Limits{Downtime: 1900 * ms, Lost: -1, TwoOwners: -1},
		Began: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Took: time.Minute,
	}
	rep.Rounds = append(rep.Rounds, failover.Judge(record(1), rep.Limits))
	lenient := rep.Limits
	lenient.Downtime = time.Minute
	rep.Rounds = append(rep.Rounds, failover.Judge(record(2), lenient))
	lossy := record(3) // a control that is as silent
	control := lossy.Paths[0]
	control.To, control.Control = "203.0.113.1 icmp", true
	lossy.Paths = append(lossy.Paths, control)
	rep.Rounds = append(rep.Rounds, failover.Judge(lossy, rep.Limits))
	rep.Rounds = append(rep.Rounds, failover.Round{Number: 4, Fault: reload, Verdict: failover.NotPossible, Why: []string{"no network manager"}})
	return rep
}

// A pipeline whose step failed must not read a green report.
func TestWhereNothingWasPossibleTheJUnitFileIsRed(t *testing.T) {
	rep := sample()
	rep.Rounds = rep.Rounds[3:]
	var out strings.Builder
	if err := JUnit(&out, rep); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `errors="1"`) || !strings.Contains(out.String(), "no fault was possible") {
		t.Error(out.String())
	}
}

// crowded is a test of many rounds, of servers with long names.
func crowded() failover.Report {
	rep := sample()
	rounds := rep.Rounds[:3]
	rep.Group, rep.Rounds = "bastion-of-the-northern-region-1", nil
	for n := range 36 {
		r := rounds[n%len(rounds)]
		r.Record.Number, r.Number = n+1, n+1
		r.Before = "bastion-northern-region-availability-zone-1.internal.example"
		r.After = "bastion-northern-region-availability-zone-2.internal.example"
		r.Record.Members = append([]failover.Witnessed(nil), r.Record.Members...)
		r.Record.Members[0].Name, r.Record.Members[1].Name = r.Before, r.After
		rep.Rounds = append(rep.Rounds, r)
	}
	return rep
}

// unfinished is a test that was broken off and left something behind.
func unfinished() failover.Report {
	rep := sample()
	rep.Rounds, rep.Broken, rep.Left = rep.Rounds[1:2], "interrupted", []string{"port of two: it was up, and is down"}
	return rep
}

// pages is set by test/failover/page.sh, which has them looked at by others.
var pages = flag.String("pages", "", "write the pages of the tests to this `FOLDER`")

func TestPagesNeedNothingElseAndAreWellFormed(t *testing.T) {
	empty := unfinished()
	empty.Rounds = nil
	for name, rep := range map[string]failover.Report{"sample": sample(), "crowded": crowded(), "unfinished": unfinished(), "returning": returning(), "empty": empty} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := HTML(&b, rep); err != nil {
				t.Fatal(err)
			}
			if *pages != "" {
				if err := os.WriteFile(filepath.Join(*pages, name+".html"), b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, wrong := range objections(b.String()) {
				t.Error(wrong)
			}
		})
	}
}

// objections are what a page has that it is not to have: an element that is not
// closed, or closes another; an ID twice; a script; anything that is asked for elsewhere.
func objections(page string) (wrong []string) {
	object := func(format string, v ...any) { wrong = append(wrong, fmt.Sprintf(format, v...)) }
	void := map[string]bool{"meta": true, "br": true}
	forbidden := map[string]bool{
		"script": true, "link": true, "img": true, "image": true, "iframe": true, "object": true, "embed": true,
		"video": true, "audio": true, "source": true, "base": true, "foreignobject": true, "use": true, "form": true,
	}
	ids := map[string]bool{}
	var open, inside []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() != io.EOF {
				object("%v", z.Err())
			}
			break
		}
		tok := z.Token()
		switch {
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			if forbidden[strings.ToLower(tok.Data)] {
				object("it has <%s>", tok.Data)
			}
			if kind == html.StartTagToken && !void[tok.Data] {
				open = append(open, tok.Data)
			}
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				object("</%s> closes %v", tok.Data, open)
				continue
			}
			open = open[:len(open)-1]
		case kind == html.TextToken && len(open) > 0 && open[len(open)-1] == "style":
			inside = append(inside, tok.Data)
		}
		for _, a := range tok.Attr {
			switch key := strings.ToLower(a.Key); {
			case key == "id" && ids[a.Val]:
				object("the ID %q is there twice", a.Val)
			case key == "id":
				ids[a.Val] = true
			case key == "style":
				inside = append(inside, a.Val)
			case strings.HasPrefix(key, "on"), key == "src", key == "srcset", key == "data", key == "action", key == "http-equiv":
				object("<%s> has %s=%q", tok.Data, a.Key, a.Val)
			case strings.HasSuffix(key, "href") && !strings.HasPrefix(a.Val, "#"):
				object("<%s> leads to %q", tok.Data, a.Val)
			}
		}
	}
	for _, tok := range strings.Split(page, `href="#`)[1:] {
		if id, _, _ := strings.Cut(tok, `"`); !ids[id] {
			object("nothing has the ID %q", id)
		}
	}
	for _, css := range inside {
		for _, word := range []string{"url(", "@import", "image-set(", "src("} {
			if strings.Contains(strings.ToLower(css), word) {
				object("its style has %s", word)
			}
		}
	}
	if len(open) > 0 {
		object("%v is not closed", open)
	}
	return wrong
}

func TestObjectionsToAPage(t *testing.T) {
	for page, want := range map[string]string{
		`<p>fine</p>`:                         "",
		`<p id="a"></p><p id="a"></p>`:        `the ID "a" is there twice`,
		`<p><b></p></b>`:                      "</p> closes [p b]",
		`<p>`:                                 "[p] is not closed",
		`<script></script>`:                   "it has <script>",
		`<p onclick="x()"></p>`:               `<p> has onclick="x()"`,
		`<a href="https://example.org/"></a>`: `<a> leads to "https://example.org/"`,
		`<a href="#r1"></a>`:                  `nothing has the ID "r1"`,
		`<style>p { background: URL(x.png) }</style>`:   "its style has url(",
		`<p style="background: url(x.png)"></p>`:        "its style has url(",
		`<style>@import "x.css";</style>`:               "its style has @import",
		`<svg><image xlink:href="x.png"></image></svg>`: "it has <image>",
	} {
		got := strings.Join(objections(page), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

func TestThePageShowsWhatBecameOfEachRound(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, sample()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Round 1: server-reboot", "no network manager", "silent for", "&lt;script&gt;", "the line loses packets",
		`class="lost"`, `class="held"`, `class="blind"`, `class="state active"`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	b.Reset()
	if err := HTML(&b, unfinished()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Broken off: interrupted", "Not put back: port of two", "inconclusive"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page of a test that was broken off lacks %q", want)
		}
	}
}

// returning is a test of a round that is silent when its fault is undone.
func returning() failover.Report {
	rep := sample()
	r := rep.Rounds[1]
	for i := range r.Record.Paths[0].Beats {
		b := &r.Record.Paths[0].Beats[i]
		if b.Heard = 0; time.Duration(b.Sent) < 6500*ms || time.Duration(b.Sent) >= 7500*ms {
			b.Heard = b.Sent + api.Duration(ms)
		}
	}
	rep.Rounds = []failover.Round{failover.Judge(r.Record, failover.Limits{Downtime: 900 * ms, Lost: -1, TwoOwners: -1})}
	return rep
}

func TestThePageTellsFailoverFromFailback(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, returning()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<td>0 ms</td><td></td><td>1.00 s</td>", // outside, inside, failback
		"silent for 0 ms, 1.00 s when it was undone; 20 of 160 lost",
		">undone</span>",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePageTellsWhoWasActive(t *testing.T) {
	for after, want := range map[string]string{"two": "one → two", "one": "one, and it stayed", "": "one → nobody"} {
		rep := sample()
		rec := rep.Rounds[0].Record
		rec.Before, rec.After = "one", after
		rep.Rounds = []failover.Round{failover.Judge(rec, rep.Limits)}
		var b bytes.Buffer
		if err := HTML(&b, rep); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "<dd>"+want+"</dd>") {
			t.Errorf("the page lacks %q", want)
		}
	}
}
