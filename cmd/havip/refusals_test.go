package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusal is something that havip must not do: what is wrong, and what it says
// about it. What is not said is as in newWorld, where bastion.yaml is sound.
type refusal struct {
	name string
	bend func(w *world) // makes it wrong in the cloud, on a server, or here
	tls  bool           // the cloud speaks TLS
	file string         // bastion.yaml instead of the sound one
	run  string         // the command line instead of create -f bastion.yaml --yes
	code int            // exit code, of docs/exit-codes.md
	says string         // all of stderr; {NAME} stands for what the world calls so
}

// refuse runs the real binary for each of them. It must end with the documented
// code and one message with its cure, leave stdout empty, and have made no
// request that writes; with code 2, none at all.
func refuse(t *testing.T, refusals []refusal) {
	documented := exitCodes(t)
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, r.tls)
			if r.file != "" {
				w.write("bastion.yaml", strings.TrimPrefix(r.file, "\n"))
			}
			if r.bend != nil {
				r.bend(w)
			}
			run := r.run
			if run == "" {
				run = "create -f bastion.yaml --yes"
			}
			stdout, stderr, code := w.havip(strings.Fields(run)...)

			want := strings.TrimPrefix(r.says, "\n")
			if r.code == 4 {
				want += "\npreflight: one thing stands in the way, nothing was touched\n"
			}
			if d := cmp.Diff(want, w.named(stderr)); d != "" {
				t.Errorf("stderr (-want +got):\n%s", d)
			}
			if code != r.code || !slices.Contains(documented, code) {
				t.Errorf("exit code %d, want %d, which must be one of the documented %v", code, r.code, documented)
			}
			if stdout != "" {
				t.Errorf("stdout: %s", stdout)
			}
			if n := strings.Count("\n"+stderr, "\nerror: "); n != 1 {
				t.Errorf("%d messages for one cause", n)
			}
			if !saysCure(stderr) {
				t.Error("the message does not say what to do")
			}
			all := w.cloud.Requests()
			for _, request := range all.Writes() {
				if !strings.HasSuffix(request.Path, "/auth/tokens") { // a login, also one at the wrong place
					t.Errorf("it wrote: %s", request)
				}
			}
			if code == 2 && len(all) > 0 {
				t.Errorf("it asked the cloud:\n%s", all)
			}
		})
	}
}

// saysCure tells whether a message says what to do: in a hint, or by what it
// wants instead.
func saysCure(stderr string) bool {
	return strings.Contains(stderr, "\nhint: ") || strings.Contains(stderr, ": want ") || strings.Contains(stderr, " is not one of ")
}

// TestTheWorldIsSound: what the others bend would be carried out as it is.
func TestTheWorldIsSound(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		w := newWorld(t, tls)
		stdout, stderr, code := w.havip("plan", "-f", "bastion.yaml")
		if code != 0 || !strings.Contains(stdout, "10.0.0.136") {
			t.Errorf("plan with TLS %v: exit code %d\n%s%s", tls, code, stdout, stderr)
		}
		w.made()
		if _, stderr, code = w.havip("switchover", "bastion", "--to", "bastion-1"); code != 0 {
			t.Errorf("switchover to the active with TLS %v: exit code %d\n%s", tls, code, stderr)
		}
	}
}

// exitCodes are those of docs/exit-codes.md.
func exitCodes(t *testing.T) []int {
	t.Helper()
	text, err := os.ReadFile("../../docs/exit-codes.md")
	if err != nil {
		t.Fatal(err)
	}
	var codes []int
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(row[1]))
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, n)
	}
	return codes
}
