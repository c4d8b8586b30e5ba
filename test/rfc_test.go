package test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The sections of RFC 9568 from 5 to 8 that say something, and those of
// RFC 3768 in which version 2 differs.
var (
	sections9568 = strings.Fields(`
		5 5.1 5.1.1.1 5.1.1.2 5.1.1.3 5.1.1.4 5.1.2.1 5.1.2.2 5.1.2.3 5.1.2.4
		5.2 5.2.1 5.2.2 5.2.3 5.2.4 5.2.5 5.2.6 5.2.7 5.2.8 5.2.9
		6.1 6.2 6.3 6.4 6.4.1 6.4.2 6.4.3
		7.1 7.2 7.3 7.4
		8.1.1 8.1.2 8.1.3 8.2.1 8.2.2 8.2.3 8.2.4 8.3.1 8.3.2
		8.4.1 8.4.2 8.4.2.1.1 8.4.2.1.2`)
	sections3768 = strings.Fields(`
		5.1 5.2.2 5.2.3 5.3.1 5.3.2 5.3.4 5.3.5 5.3.6 5.3.7 5.3.8 5.3.9 5.3.10
		6.1 6.4.1 6.4.2 6.4.3 7.1 7.2 7.3 8.1 8.2 8.3 8.4`)
)

// requirement is a row of a table in docs/rfc.md.
type requirement struct {
	section, says string
	tests         []string // as written: package.Test or package.Test/subtest
	remark        string
}

// requirements are the rows below a heading of docs/rfc.md.
func requirements(t *testing.T, text string) []requirement {
	t.Helper()
	var rows []requirement
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| § |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 {
			t.Errorf("a row has %d cells, want 4: %s", len(cells), line)
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		row := requirement{says: cells[1], remark: cells[3]}
		row.section, _, _ = strings.Cut(cells[0], ",")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1) {
			row.tests = append(row.tests, m[1])
		}
		if rest := regexp.MustCompile("`[^`]+`|<br>").ReplaceAllString(cells[2], ""); strings.TrimSpace(rest) != "" {
			t.Errorf("section %s, %q: want only tests in the third cell, got also %q", row.section, row.says, rest)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestEachRequirementOfTheRFCHasAProofOrAReason(t *testing.T) {
	doc := readDoc(t, "docs/rfc.md")
	tests := make(map[string]*testPackage)
	for heading, sections := range map[string][]string{
		"## RFC 9568: version 3":               sections9568,
		"## RFC 3768: where version 2 differs": sections3768,
	} {
		rows := requirements(t, section(t, doc, heading))
		for _, want := range sections {
			if !slices.ContainsFunc(rows, func(r requirement) bool { return r.section == want }) {
				t.Errorf("%s: section %s has no row", heading, want)
			}
		}
		for _, r := range rows {
			if !slices.Contains(sections, r.section) {
				t.Errorf("%s: %q is none of its sections: %s", heading, r.section, r.says)
			}
			if r.says == "" {
				t.Errorf("%s: a row of section %s says nothing", heading, r.section)
			}
			if len(r.tests) == 0 && !hasReason(r.remark) {
				t.Errorf("%s: section %s, %q: neither a test nor a reason that begins with %q", heading, r.section, r.says, reasons)
			}
			for _, name := range r.tests {
				if err := findTest(tests, name); err != nil {
					t.Errorf("%s: section %s names %s: %v", heading, r.section, name, err)
				}
			}
		}
	}
}

// reasons are how a remark begins that says why no test is there.
var reasons = []string{"Deviation: [", "Not havip's: ", "Option, not taken: "}

func hasReason(remark string) bool {
	return slices.ContainsFunc(reasons, func(kind string) bool {
		rest, found := strings.CutPrefix(remark, kind)
		return found && rest != ""
	})
}

func TestEachDeviationFromTheRFCIsNamedAtItsRequirement(t *testing.T) {
	doc := readDoc(t, "docs/rfc.md")
	deviations := anchors(section(t, doc, "## Deliberate deviations"))
	if len(deviations) < 10 {
		t.Fatalf("found only the deviations %q", deviations)
	}
	for _, d := range deviations {
		if !regexp.MustCompile(`(?m)^\| .*\(#` + regexp.QuoteMeta(d) + `\)`).MatchString(doc) {
			t.Errorf("docs/rfc.md: no row leads to the deviation #%s", d)
		}
	}
}

// testPackage is the parsed test files of a folder.
type testPackage struct {
	decls map[string]ast.Node // by name: functions, and variables with their value
	data  []string            // names in testdata
}

// findTest looks for a test, by its name in the document. known keeps what was
// parsed.
func findTest(known map[string]*testPackage, name string) error {
	m := regexp.MustCompile(`^([a-z/-]+)\.((?:Test|Fuzz)[A-Za-z0-9]+)(?:/(.+))?$`).FindStringSubmatch(name)
	if m == nil {
		return errors.New("this is not of the form folder.TestName or folder.TestName/subtest")
	}
	folder, test, sub := m[1], m[2], m[3]
	if known[folder] == nil {
		p, err := parseTests(filepath.Join("..", filepath.FromSlash(folder)))
		if err != nil {
			return err
		}
		known[folder] = p
	}
	p := known[folder]
	switch {
	case p.decls[test] == nil:
		return errors.New("there is no such test")
	case sub != "" && !p.hasSubtest(test, sub):
		return errors.New("the test has no such subtest")
	}
	return nil
}

func parseTests(folder string) (*testPackage, error) {
	p := &testPackage{decls: make(map[string]ast.Node)}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					p.decls[d.Name.Name] = d
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, n := range v.Names {
							p.decls[n.Name] = v
						}
					}
				}
			}
		}
	}
	data, err := filepath.Glob(filepath.Join(folder, "testdata", "*"))
	for _, path := range data {
		p.data = append(p.data, filepath.Base(path))
	}
	return p, err
}

// hasSubtest tells whether a test, or a table or helper that it names, has this
// string. The subtests of a test that plays files are the names of the files.
func (p *testPackage) hasSubtest(test, sub string) bool {
	source := p.decls[test]
	if holds(source, "testdata/*.txt") {
		return slices.Contains(p.data, sub+".txt")
	}
	found := holds(source, sub)
	ast.Inspect(source, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && p.decls[id.Name] != nil {
			found = found || holds(p.decls[id.Name], sub)
		}
		return !found
	})
	return found
}

// holds tells whether a piece of source has this string.
func holds(source ast.Node, s string) bool {
	found := false
	ast.Inspect(source, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			value, err := strconv.Unquote(lit.Value)
			found = found || err == nil && value == s
		}
		return !found
	})
	return found
}
