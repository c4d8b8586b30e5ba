package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/havip/havip/"

// mayImport says for a folder of the module which folders its packages may
// import; each entry stands for the folder and all beneath it. The longest
// matching key rules. A folder may import itself except where said otherwise.
var mayImport = map[string][]string{
	"cmd":       {"cmd", "provision", "agent", "openstack"},
	"provision": {"provision", "openstack", "templates", "agent/config", "agent/api", "agent/bundle", "agent/strict", "agent/pulse"},
	"agent":     {"agent"},
	"openstack": {"openstack"},
	"templates": {"templates"},
	"docs":      {"cmd", "provision"},
	"examples":  {"examples", "provision/spec"},
	// the lab is a cloud to be used, not a part of the product
	"cmd/havip-lab": {"cmd", "provision", "agent", "openstack", "test/lab"},
	"test":          {"test", "provision", "agent", "openstack", "templates"},
}

// pure packages take time as a parameter and touch no file, socket or process.
var pure = []string{"agent/vrrp", "agent/sim", "provision/spec", "provision/plan"}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// within tells whether path is folder or beneath it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// forbidden says why package from may not import to, or "" if it may. Both are
// paths inside the module.
func forbidden(from, to string) string {
	rule := ""
	for folder := range mayImport {
		if within(from, folder) && len(folder) > len(rule) {
			rule = folder
		}
	}
	if rule == "" {
		return fmt.Sprintf("%s is in no folder that mayImport knows", from)
	}
	for _, folder := range mayImport[rule] {
		if within(to, folder) {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s; %s may import only %s", from, to, rule, strings.Join(mayImport[rule], ", "))
}

// impure says why a pure package may not import path of the standard library
// or of another module, or "" if it may.
func impure(path string) string {
	if _, partly := pureParts[path]; partly || path == "net/netip" {
		return ""
	}
	switch {
	case within(path, "os"), within(path, "net"), within(path, "syscall"), within(path, "golang.org/x/sys"), within(path, "golang.org/x/net"):
		return "reaches outside of the program"
	case path == "log", within(path, "log/slog"), path == "math/rand", path == "crypto/rand":
		return "writes or reads what is not in its parameters"
	}
	return ""
}

// packages lists the packages of this module as they are built for linux with
// and without the tags that select files.
func packages(t *testing.T) []pkg {
	t.Helper()
	var all []pkg
	for _, tags := range []string{"", "acceptance,embedagent"} {
		// -e: the embedded agents need not have been built
		cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "-tags="+tags, module+"...")
		cmd.Dir = ".."
		cmd.Env = append(cmd.Environ(), "GOOS=linux")
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				t.Fatalf("go list: %v\n%s", err, exit.Stderr)
			}
			t.Fatalf("go list: %v", err)
		}
		for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p pkg
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("read go list: %v", err)
			}
			all = append(all, p)
		}
	}
	if len(all) < 20 {
		t.Fatalf("go list names %d packages, want the whole module", len(all))
	}
	return all
}

func TestPackagesImportOnlyWhatTheirFolderMay(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if why := forbidden(from, to); why != "" && !seen[why] {
				seen[why] = true
				t.Error(why)
			}
		}
	}
}

func TestPurePackagesReachNoFileSocketOrClock(t *testing.T) {
	found := make(map[string]bool)
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(pure, from) || found[from] {
			continue
		}
		found[from] = true
		for _, path := range p.Imports {
			if why := impure(path); why != "" {
				t.Errorf("%s imports %s, which %s", from, path, why)
			}
		}
		for _, use := range impureUses(t, p.Dir, p.GoFiles) {
			t.Errorf("%s: not in %s, which is a function of its parameters", use, from)
		}
	}
	if len(found) != len(pure) {
		t.Errorf("go list names of the pure packages only %v, want %v", found, pure)
	}
}

func TestTheRulesThemselves(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		allowed  bool
	}{
		{"cmd/internal/cli", "provision/spec", true},
		{"cmd/internal/cli", "openstack", true},
		{"cmd/havip", "test/lab", false},
		{"cmd/havip-lab", "test/lab", true},
		{"provision/server", "templates", true},
		{"provision/server", "agent/config", true},
		{"provision", "agent/engine", false},
		{"provision", "cmd/internal/ui", false},
		{"agent/engine", "agent/vrrp", true},
		{"agent/engine", "openstack", false},
		{"agent/config", "provision/spec", false},
		{"openstack/openstacktest", "openstack", true},
		{"openstack", "agent/api", false},
		{"templates", "agent/config", false},
		{"openstackextra", "openstack", false},
		{"test/acceptance", "cmd/internal/cli", false},
	} {
		if why := forbidden(tt.from, tt.to); (why == "") != tt.allowed {
			t.Errorf("%s imports %s: allowed %t, want %t (%s)", tt.from, tt.to, why == "", tt.allowed, why)
		}
	}
	for path, allowed := range map[string]bool{
		"crypto/rand": false, "net/http": false, "net/netip": true, "os": false, "os/exec": false, "syscall": false, "time": true, "osmosis": true,
	} {
		if why := impure(path); (why == "") != allowed {
			t.Errorf("pure package imports %s: allowed %t, want %t", path, why == "", allowed)
		}
	}
}
