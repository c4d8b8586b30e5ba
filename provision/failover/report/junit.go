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
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"`
	Errors    int    `xml:"errors,attr"`
	Skipped   int    `xml:"skipped,attr"`
	Time      string `xml:"time,attr"`
	Timestamp string `xml:"timestamp,attr"`
	Cases     []test `xml:"testcase"`
}

type test struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *outcome `xml:"failure,omitempty"`
	Skipped *outcome `xml:"skipped,omitempty"`
	Out     string   `xml:"system-out,omitempty"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a case for each fault and round. An inconclusive round is a
// failure too: it has shown nothing; one that was not possible is skipped.
func JUnit(w io.Writer, rep failover.Report) error {
	s := suite{
		Name: "havip failover-test " + rep.Group, Tests: len(rep.Rounds),
		Time: seconds(rep.Took), Timestamp: rep.Began.UTC().Format("2006-01-02T15:04:05"),
	}
	for _, r := range rep.Rounds {
		c := test{
			Class: "failover." + rep.Group, Name: fmt.Sprintf("%s, round %d", r.Fault.Name, r.Number),
			Time: seconds(r.Record.Ended - r.Record.Began), Out: r.String(),
		}
		text := strings.Join(r.Why, "\n")
		switch r.Verdict {
		case failover.Failed, failover.Inconclusive:
			s.Failures++
			c.Failure = &outcome{Message: string(r.Verdict) + ": " + r.Why[0], Text: text}
		case failover.NotPossible:
			s.Skipped++
			c.Name = string(r.Fault.Name)
			c.Skipped = &outcome{Message: "not possible here: " + text}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites{Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
