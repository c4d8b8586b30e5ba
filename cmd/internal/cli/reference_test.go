package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/cmd/internal/ui"
)

func TestTheCommandsAreDocumentedAsTheyAre(t *testing.T) {
	files, err := filepath.Glob("../../../docs/commands/*.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(f)] = string(text)
	}
	if diff := cmp.Diff(got, Reference()); diff != "" {
		t.Errorf("docs/commands is out of date, run \"make docs\" (-docs +commands):\n%s", diff)
	}
}

func TestEveryCommandSaysWhatItDoesAndCompletesItsArguments(t *testing.T) {
	for _, cmd := range documentedCommands(newRoot(newApp(ui.Streams{}, "dev"))) {
		if cmd.Short == "" || cmd.Args == nil || cmd.ValidArgsFunction == nil && cmd.ValidArgs == nil {
			t.Errorf("%s: Short %q, checks its arguments: %v, completes them: %v",
				cmd.Name(), cmd.Short, cmd.Args != nil, cmd.ValidArgsFunction != nil || cmd.ValidArgs != nil)
		}
	}
}
