package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/havip/havip/provision/failover"
)

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	totals
	Suites []suite `xml:"testsuite"`
}

type suite struct {
	totals
	Timestamp string `xml:"timestamp,attr"`
	Cases     []test `xml:"testcase"`
}

type totals struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
}

type test struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *outcome `xml:"failure,omitempty"`
	Error   *outcome `xml:"error,omitempty"`
	Skipped *outcome `xml:"skipped,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

// outcome says what it has to say twice: some readers show the message, GitLab the text.
type outcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a case for each fault and round: a failure where the group failed, an
// error where the test could not tell. Both make a pipeline red. A fault that was not
// possible is skipped, where another one was. What was broken off, or not put back, is an error of its own.
func JUnit(w io.Writer, rep failover.Report) error {
	s := suite{
		totals:    totals{Name: "havip failover-test " + rep.Group, Time: seconds(rep.Took)},
		Timestamp: rep.Began.UTC().Format("2006-01-02T15:04:05"),
	}
	class := "failover." + rep.Group
	for _, r := range rep.Rounds {
		s.add(caseOf(class, r))
	}
	if rep.Broken == "" && failover.Worst(rep.Rounds) == failover.NotPossible {
		s.add(broken(class, "a fault was possible", "not possible", []string{"no fault was possible: nothing is shown"}))
	}
	if rep.Broken != "" {
		s.add(broken(class, "every round was made", "broken off", []string{rep.Broken}))
	}
	if len(rep.Left) > 0 {
		s.add(broken(class, "everything was put back", "not put back", rep.Left))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites{totals: s.totals, Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *suite) add(c test) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func caseOf(class string, r failover.Round) test {
	c := test{
		Class: class, Name: fmt.Sprintf("%s, round %d", r.Fault.Name, r.Number),
		Time: seconds(r.Record.Ended - r.Record.Began), Out: r.String(),
	}
	switch r.Verdict {
	case failover.Failed:
		c.Failure = outcomeOf(string(r.Verdict), r.Why)
	case failover.Inconclusive:
		c.Error = outcomeOf(string(r.Verdict), r.Why)
	case failover.NotPossible:
		c.Name = string(r.Fault.Name)
		c.Skipped = outcomeOf(string(r.Verdict), r.Why)
	}
	return c
}

func broken(class, name, how string, why []string) test {
	return test{Class: class, Name: name, Time: seconds(0), Error: outcomeOf(how, why)}
}

func outcomeOf(how string, why []string) *outcome {
	return &outcome{Type: how, Message: how + ": " + why[0], Text: strings.Join(why, "\n")}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
