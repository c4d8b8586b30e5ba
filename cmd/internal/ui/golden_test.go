package ui

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares got with a golden file.
func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestEveryViewIsWrittenForPeopleAndForMachines(t *testing.T) {
	suffix := map[Format]string{Table: ".txt", JSON: ".json", YAML: ".yaml"}
	for name, v := range views() {
		for format, suffix := range suffix {
			t.Run(name+suffix, func(t *testing.T) {
				var b bytes.Buffer
				if err := Show(&b, format, v); err != nil {
					t.Fatal(err)
				}
				if format == Table && strings.Contains(b.String(), " \n") {
					t.Errorf("a line ends with a space:\n%s", b.String())
				}
				checkGolden(t, filepath.Join("testdata", name+suffix), b.Bytes())
			})
		}
	}
}

func TestNoGoldenFileIsLeftOver(t *testing.T) {
	known := slices.Collect(maps.Keys(views()))
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))
		if !slices.Contains(known, name) && name != "progress" {
			t.Errorf("%s belongs to no view", f)
		}
	}
}

func TestProgressIsAlignedAndTellsEachPlaceOnce(t *testing.T) {
	var b bytes.Buffer
	now := noon()
	p := NewProgress(&b, false, func() time.Time { now = now.Add(300 * time.Millisecond); return now })
	run := func(pl plan.Plan, failing string) {
		p.Expect(pl)
		for _, a := range pl.Actions {
			p.Begin(a)
			if a.ID == failing {
				p.End(a, os.ErrPermission)
				continue
			}
			p.End(a, nil)
		}
	}
	run(creation(), "")
	p.Step("agents", "bastion-1 active, bastion-2 backup", 1100*time.Millisecond)
	p.Step("verify", "203.0.113.10 tcp 22 ok", 12*time.Second)
	p.Warn("10.0.0.136 does not answer", "from outside the network that is usual")
	p = NewProgress(&b, false, func() time.Time { return now })
	run(rolling(), "agent/bastion-1")
	checkGolden(t, "testdata/progress.txt", b.Bytes())
}

func TestQuietProgressTellsOnlyWarnings(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true, noon)
	p.Expect(creation())
	for _, a := range creation().Actions {
		p.Begin(a)
		p.End(a, nil)
	}
	p.Step("agents", "settled", time.Second)
	p.Warn("look out", "")
	if got, want := b.String(), "warning: look out\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
