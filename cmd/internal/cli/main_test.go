package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havip/havip/cmd/internal/ui"
)

// clean takes everything out of the environment that a command line may see,
// and gives the folder of the settings.
func clean(t *testing.T) (config string) {
	t.Helper()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "HAVIP_") {
			t.Setenv(name, "") // so that it comes back
			os.Unsetenv(name)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Chdir(home)
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(config, "havip")
}

// result is what a command line led to.
type result struct {
	code     int
	out, err string
}

// call runs a command line as a pipeline does: nobody is there to be asked.
func call(t *testing.T, args ...string) result {
	t.Helper()
	return callWith(t.Context(), ui.Streams{In: strings.NewReader("")}, args...)
}

// answer runs a command line as a person does, who types in.
func answer(t *testing.T, in string, args ...string) result {
	t.Helper()
	return callWith(t.Context(), ui.Streams{In: strings.NewReader(in), Interactive: true, Width: 80}, args...)
}

func callWith(ctx context.Context, s ui.Streams, args ...string) result {
	var out, errOut bytes.Buffer
	s.Out, s.Err = &out, &errOut
	code := run(ctx, args, s, "0.3.0")
	return result{code, out.String(), errOut.String()}
}

// has fails the test unless text has each part.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
