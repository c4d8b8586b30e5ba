package ui

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/strict"
	"github.com/havip/havip/provision"
)

func TestAnErrorIsPrintedWithDetailsBelowAndAHint(t *testing.T) {
	cases := map[string]struct {
		err  error
		want string
	}{
		"nothing to say": {&ExitError{Code: ExitDiffers}, ""},
		"one line":       {errors.New("no"), "error: no\n"},
		"further lines are details": {
			errors.New("log in: refused\ntried a\ntried b"), "error: log in: refused\n  tried a\n  tried b\n",
		},
		"a problem with candidates and a cure": {
			fmt.Errorf("find: %w", &provision.Problem{Message: "two match", Details: []string{"a", "b"}, Cure: "use the ID"}),
			"error: find: two match\n  a\n  b\nhint: use the ID\n",
		},
		"a hint of two lines": {
			&provision.Problem{Message: "m", Cure: "one\ntwo"}, "error: m\nhint: one\n  two\n",
		},
		"each of joined errors has its hint": {
			errors.Join(&provision.Problem{Message: "a", Cure: "x"}, errors.Join(errors.New("b"), &provision.Problem{Message: "c", Cure: "y"})),
			"error: a\nhint: x\nerror: b\nerror: c\nhint: y\n",
		},
		"an error that wraps two stays whole": {
			fmt.Errorf("%w, and %w", errors.New("a"), errors.New("b")), "error: a, and b\n",
		},
		"what was left behind, without a failure": {
			&provision.LeftError{Left: leftAgent()[:1]},
			"error: one thing was left behind\n" +
				"left: agent of group bastion on bastion-4: reach 10.0.0.134:22 from here: no answer in time\n" +
				"hint: when the server can be reached again, run the same command once more\n",
		},
		"a note comes last": {&NotedError{Err: errors.New("failed"), Note: "All stays."}, "error: failed\n\nAll stays.\n"},
		"a flag that is missing reads as a sentence": {
			Usage(strict.Problems{{Field: "--server", Message: "is missing"}}), "error: --server is missing\n",
		},
		"a problem of a whole file": {
			Usage(strict.Problems{{File: "a.yaml", Message: "is empty"}}), "error: a.yaml: is empty\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			PrintError(&b, c.err)
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatOneFindingSaysStandsAlsoOnTop(t *testing.T) {
	got := NewFailure(&provision.Problem{Message: "two match", Details: []string{"a", "b"}, Cure: "use the ID"}).Object()
	want := errorObject{
		Header: NewHeader("error"), Code: ExitFailed, Message: "two match", Details: []string{"a", "b"}, Hint: "use the ID",
		Findings: []Finding{{Severity: "error", Message: "two match", Details: []string{"a", "b"}, Hint: "use the ID"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
