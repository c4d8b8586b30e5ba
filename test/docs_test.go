package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack/openstacktest/contract"
)

// built is what `go list -deps` says of a package that is built into a binary
// or a test.
type built struct {
	ImportPath string
	Imports    []string
	Doc        string
	Module     *struct {
		Path string
		Main bool
	}
}

// goList runs `go list` for linux at the root of the module.
func goList(t *testing.T, args ...string) []built {
	t.Helper()
	args = append([]string{"list", "-e", "-json=ImportPath,Imports,Doc,Module"}, args...)
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	cmd.Env = append(cmd.Environ(), "GOOS=linux")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	var all []built
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p built
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		all = append(all, p)
	}
}

// directModules are the modules that packages of ours among all import.
func directModules(all []built) []string {
	moduleOf := make(map[string]string)
	for _, p := range all {
		if p.Module != nil && !p.Module.Main {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	direct := make(map[string]bool)
	for _, p := range all {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, path := range p.Imports {
			if m := moduleOf[path]; m != "" {
				direct[m] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(direct))
}

// readDoc is a document of the module.
func readDoc(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// section is the text of a document below a heading, up to the next one of
// the same or a higher level.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut("\n"+doc, "\n"+heading+"\n")
	if !found {
		t.Fatalf("there is no heading %q", heading)
	}
	level := strings.IndexFunc(heading, func(r rune) bool { return r != '#' })
	end := regexp.MustCompile(fmt.Sprintf(`(?m)^#{1,%d} `, level)).FindStringIndex(rest)
	if end == nil {
		return rest
	}
	return rest[:end[0]]
}

// firstCells are the code spans in the first cells of a text's table rows.
func firstCells(text string) []string {
	var cells []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1])
	}
	slices.Sort(cells)
	return cells
}

func TestEachDirectDependencyHasItsReasonInTheDocument(t *testing.T) {
	doc := readDoc(t, "docs/dependencies.md")
	inBinaries := directModules(goList(t, "-deps", "-tags=embedagent", "./cmd/havip", "./cmd/havip-agent"))
	everywhere := directModules(goList(t, "-deps", "-test", "-tags=acceptance", "./..."))
	onlyElsewhere := slices.DeleteFunc(everywhere, func(m string) bool { return slices.Contains(inBinaries, m) })

	if diff := cmp.Diff(inBinaries, firstCells(section(t, doc, "## In the binaries"))); diff != "" {
		t.Errorf("docs/dependencies.md, in the binaries (-imported +listed):\n%s", diff)
	}
	if diff := cmp.Diff(onlyElsewhere, firstCells(section(t, doc, "## Only in tests and tools, such as the lab"))); diff != "" {
		t.Errorf("docs/dependencies.md, only in tests and tools (-imported +listed):\n%s", diff)
	}
}

func TestEachPackageHasACommentAndALineInTheArchitecture(t *testing.T) {
	var paths []string
	for _, p := range goList(t, "-tags=acceptance,embedagent", "./...") {
		path := strings.TrimPrefix(p.ImportPath, module)
		paths = append(paths, path)
		if !strings.HasPrefix(p.Doc, "Package ") && !strings.HasPrefix(p.Doc, "Command ") {
			t.Errorf("%s has no package comment", path)
		}
	}
	slices.Sort(paths)
	listed := firstCells(section(t, readDoc(t, "docs/architecture.md"), "## Packages"))
	if diff := cmp.Diff(paths, listed); diff != "" {
		t.Errorf("docs/architecture.md, packages (-there +listed):\n%s", diff)
	}
}

// documents are the Markdown files at the root and beneath docs.
func documents(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("../docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = strings.TrimPrefix(filepath.ToSlash(names[i]), "../")
	}
	if !slices.Contains(names, "README.md") || !slices.Contains(names, "docs/architecture.md") {
		t.Fatalf("found only %v", names)
	}
	return names
}

// code matches fenced blocks, indented blocks and code spans.
var code = regexp.MustCompile("(?ms)^```.*?^```$|^ {4}[^\n]*$|`[^`\n]+`")

// prose is a document without its code.
func prose(doc string) string { return code.ReplaceAllString(doc, "") }

// anchors are the fragments that GitHub makes of a document's headings.
func anchors(doc string) []string {
	doc = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(doc, "")
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(doc, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return all
}

func TestLinksInTheDocumentsLeadSomewhere(t *testing.T) {
	links := 0
	for _, name := range documents(t) {
		doc := readDoc(t, name)
		for _, m := range regexp.MustCompile(`\]\(([^()\s]+)\)`).FindAllStringSubmatch(prose(doc), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			path, fragment, _ := strings.Cut(m[1], "#")
			target, text := name, doc
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), path))
				if _, err := os.Stat(filepath.Join("..", target)); err != nil {
					t.Errorf("%s: the link %s leads nowhere", name, m[1])
					continue
				}
			}
			if fragment == "" {
				continue
			}
			if path != "" {
				text = readDoc(t, target)
			}
			if !slices.Contains(anchors(text), fragment) {
				t.Errorf("%s: the link %s leads to no heading of %s", name, m[1], target)
			}
		}
	}
	if links < 10 {
		t.Errorf("found %d links in the documents, want more", links)
	}
}

func TestMakeTargetsThatTheDocumentsNameExist(t *testing.T) {
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(readDoc(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	named := 0
	for _, name := range documents(t) {
		for _, span := range code.FindAllString(readDoc(t, name), -1) {
			for _, m := range regexp.MustCompile("(?m)(?:^`?|&& )make ([a-z][a-z-]*)").FindAllStringSubmatch(span, -1) {
				named++
				if !slices.Contains(targets, m[1]) {
					t.Errorf("%s: the Makefile has no target %s", name, m[1])
				}
			}
		}
	}
	if named == 0 {
		t.Error("the documents name no target of the Makefile")
	}
}

func TestNothingIsLeftToBeFinishedLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)
	read := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "dist"}, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for i, line := range strings.Split(string(data), "\n") {
			if later.MatchString(line) {
				t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 100 {
		t.Errorf("read %d files, want the whole module", read)
	}
}

func TestEachRuleOfTheContractIsInTheDocument(t *testing.T) {
	text := section(t, readDoc(t, "docs/testing.md"), "## Rules that both clouds keep")
	var listed []string
	heading := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if h, ok := strings.CutPrefix(line, "### "); ok {
			heading = h
		}
		if rule, ok := strings.CutPrefix(line, "- "); ok {
			listed = append(listed, heading+": "+rule)
		}
	}
	var rules []string
	for _, r := range contract.Rules() {
		rules = append(rules, strings.ToUpper(r[:1])+r[1:])
	}
	if diff := cmp.Diff(rules, listed); diff != "" {
		t.Errorf("docs/testing.md (-rules +listed):\n%s", diff)
	}
}
