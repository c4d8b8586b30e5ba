package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
)

func TestListShowsTheGroupsOfTheProject(t *testing.T) {
	clean(t)
	c := newCloud(t)
	r := call(t, "list")
	want := result{0, "GROUP     VIP          FLOATING IP    VRID   MEMBERS\nbastion   10.0.0.136   203.0.113.10   51     0\n", ""}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	r = call(t, "list", "-o", "json", "-v")
	var got struct {
		Version int
		Kind    string
		Groups  []struct{ Group, VIP string }
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.Version != 1 || got.Kind != "list" || len(got.Groups) != 1 {
		t.Errorf("%v: %+v", err, r)
	}
	has(t, r.err, `{"request":"POST /v3/auth/tokens"`, `{"request":"GET /v2.0/ports","query":"tags=havip"`, `"status":200`)
	if strings.Contains(r.err, "secret") {
		t.Errorf("the trace holds a secret:\n%s", r.err)
	}
	if w := c.written(); w != nil {
		t.Errorf("list changed something: %q", w)
	}
}

func TestAnErrorIsAnObjectForMachinesAndTextForPeople(t *testing.T) {
	clean(t)
	newCloud(t)
	t.Setenv("OS_PASSWORD", "wrong")
	r := call(t, "list", "-o", "json")
	var got struct {
		Version, Code       int
		Kind, Message, Hint string
		Findings            []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if r.code != ui.ExitFailed || got.Version != 1 || got.Kind != "error" || got.Code != r.code || len(got.Findings) != 1 {
		t.Errorf("got %+v", r)
	}
	has(t, got.Message, "log in", "HTTP 401")
	has(t, r.err, "error: "+got.Message+"\n", "hint: "+got.Hint+"\n")
}

func TestWhoIsAskedDecides(t *testing.T) {
	const ask = "Go on? [y/N] "
	cases := map[string]struct {
		in    string
		args  []string
		code  int
		asked bool
		done  bool
	}{
		"yes deletes":                       {in: "y\n", asked: true, done: true},
		"no does not":                       {in: "n\n", asked: true, code: ui.ExitFailed},
		"the end of the input does not":     {in: "", asked: true, code: ui.ExitFailed},
		"--yes deletes without asking":      {args: []string{"--yes"}, done: true},
		"-q asks all the same":              {in: "y\n", args: []string{"-q"}, asked: true, done: true},
		"-q --yes deletes without any word": {args: []string{"-q", "--yes"}, done: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			clean(t)
			cloud := newCloud(t)
			r := answer(t, c.in, append([]string{"delete", "bastion"}, c.args...)...)
			if r.code != c.code || strings.Contains(r.err, ask) != c.asked {
				t.Errorf("got %+v", r)
			}
			if c.asked {
				has(t, r.err, "Cloud "+cloud.URL+"/v3, project ops, region RegionOne", "- port")
			}
			w := cloud.written()
			if deleted := len(w) > 0 && w[len(w)-1] == "DELETE /v2.0/ports/c0de"; deleted != c.done {
				t.Errorf("deleted: %v, want %v: %q", deleted, c.done, w)
			}
			switch {
			case c.done:
				has(t, r.out, "bastion  deleted in ")
			case r.out != "" || len(w) > 0:
				t.Errorf("got %+v, written %q", r, w)
			default:
				has(t, r.err, "error: not done, as you said; nothing was touched\n")
			}
			if c.args != nil && c.args[0] == "-q" && !c.asked && r.err != "" {
				t.Errorf("it was told to be quiet: %q", r.err)
			}
		})
	}
}

func TestDeletingWhatIsNotThereIsDoneAtOnce(t *testing.T) {
	clean(t)
	c := newCloud(t)
	r := call(t, "delete", "other", "--yes")
	if r.code != 0 || r.out != "other  nothing to delete\n" || c.written() != nil {
		t.Errorf("got %+v, written %q", r, c.written())
	}
}

func TestAGroupThatIsNotThereIsNamedWithAHint(t *testing.T) {
	clean(t)
	newCloud(t)
	for _, command := range []string{"status", "switchover", "known-hosts"} {
		r := call(t, command, "other")
		if r.code != ui.ExitFailed || r.err != "error: there is no group \"other\" in this project\nhint: havip list shows the groups of the project\n" {
			t.Errorf("%s: got %+v", command, r)
		}
	}
}

func TestCtrlCEndsWith130(t *testing.T) {
	clean(t)
	newCloud(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := callWith(ctx, ui.Streams{}, "list"); r.code != ui.ExitInterrupted || r.err != "error: interrupted\n" {
		t.Errorf("got %+v", r)
	}

	never, w := io.Pipe() // a person who does not answer
	defer w.Close()
	ctx, cancel = context.WithCancel(t.Context())
	asked := &onWrite{text: "Go on?", do: cancel}
	a := ui.Streams{In: never, Out: io.Discard, Err: asked, Interactive: true}
	if code := run(ctx, []string{"delete", "bastion"}, a, "0.3.0"); code != ui.ExitInterrupted {
		t.Errorf("at a question: code %d", code)
	}
}

// onWrite does something when a text is written.
type onWrite struct {
	text string
	do   func()
}

func (o *onWrite) Write(b []byte) (int, error) {
	if strings.Contains(string(b), o.text) {
		o.do()
	}
	return len(b), nil
}

func TestWhatCtrlCLeftBehindIsTold(t *testing.T) {
	left := &provision.LeftError{Err: errors.Join(context.Canceled, context.Canceled)}
	cases := map[string]struct {
		err, want error
		code      int
	}{
		"one message for all that it stopped": {errors.Join(context.Canceled, errors.New("read: canceled")), errors.New("interrupted"), ui.ExitInterrupted},
		"a note stays":                        {&ui.NotedError{Err: context.Canceled, Note: "All stays."}, errors.New("interrupted"), ui.ExitInterrupted},
		"what was left behind counts more":    {left, errors.New("interrupted"), ui.ExitLeft},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := interrupted(c.err)
			if got.Error() != c.want.Error() || ui.Code(got) != c.code {
				t.Errorf("got %v, code %d", got, ui.Code(got))
			}
			if noted := (*ui.NotedError)(nil); errors.As(c.err, &noted) && !errors.As(got, &noted) {
				t.Error("the note is lost")
			}
		})
	}
}

func TestTheShellCompletesNamesOfGroups(t *testing.T) {
	clean(t)
	newCloud(t)
	for _, command := range []string{"create", "plan", "status", "delete", "switchover", "known-hosts"} {
		r := call(t, "__complete", command, "")
		if r.code != 0 || !strings.HasPrefix(r.out, "bastion\n:4\n") {
			t.Errorf("%s: got %+v", command, r)
		}
	}
	if r := call(t, "__complete", "status", "bastion", ""); !strings.HasPrefix(r.out, ":4\n") {
		t.Errorf("a second group: got %+v", r)
	}
	if r := call(t, "__complete", "list", "-o", ""); !strings.HasPrefix(r.out, "table\njson\nyaml\n:4\n") {
		t.Errorf("formats: got %+v", r)
	}
	t.Setenv("OS_PASSWORD", "wrong")
	if r := call(t, "__complete", "status", ""); !strings.HasPrefix(r.out, ":4\n") {
		t.Errorf("without a login: got %+v", r)
	}
}
