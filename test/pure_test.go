package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// clock are the functions of package time that read the clock or wait on it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// pureParts are what a pure package may use of packages that it must else
// leave alone: text in and out, and randomness from a seed that it was given.
var pureParts = map[string][]string{
	"net":          {"JoinHostPort", "SplitHostPort"},
	"math/rand/v2": {"New", "NewPCG", "Rand", "PCG", "Source"},
}

// impureUses lists where the Go files of dir name something that a pure
// package may not, called or not.
func impureUses(t *testing.T, dir string, files []string) []string {
	t.Helper()
	var uses []string
	for _, name := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(dir, name), nil, 0)
		if err != nil {
			t.Fatalf("parse %s: %v", name, err)
		}
		uses = append(uses, impureUsesIn(set, file)...)
	}
	return uses
}

func impureUsesIn(set *token.FileSet, file *ast.File) []string {
	var uses []string
	names := make(map[string]string) // what this file calls a package: its path
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if _, partly := pureParts[importPath]; err != nil || importPath != "time" && !partly {
			continue
		}
		name := path.Base(strings.TrimSuffix(importPath, "/v2"))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			uses = append(uses, set.Position(spec.Pos()).String()+": "+importPath+" imported with a dot")
		}
		names[name] = importPath
	}
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		importPath, ok := names[x.Name]
		if !ok {
			return true
		}
		bad := !slices.Contains(pureParts[importPath], sel.Sel.Name)
		if importPath == "time" {
			bad = slices.Contains(clock, sel.Sel.Name)
		}
		if bad {
			uses = append(uses, set.Position(sel.Pos()).String()+": "+importPath+"."+sel.Sel.Name)
		}
		return true
	})
	return uses
}

func TestImpureUsesAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		source string
		want   int
	}{
		"a call is found":                       {"package p\nimport \"time\"\nvar a = time.Now()", 1},
		"a function value is found":             {"package p\nimport \"time\"\nvar a = time.Sleep", 1},
		"a renamed import is found":             {"package p\nimport clock \"time\"\nvar a = clock.After(1)", 1},
		"a dot import is found":                 {"package p\nimport . \"time\"\nvar a = Now()", 1},
		"durations and methods are no clock":    {"package p\nimport \"time\"\nvar a = 3*time.Second\nvar b = time.Time{}.After(time.Time{})", 0},
		"text functions of net are pure":        {"package p\nimport \"net\"\nvar a = net.JoinHostPort(\"a\", \"1\")", 0},
		"a dial is found":                       {"package p\nimport \"net\"\nvar a, _ = net.Dial(\"tcp\", \"a\")", 1},
		"a seeded generator is pure":            {"package p\nimport \"math/rand/v2\"\nvar a = rand.New(rand.NewPCG(1, 2))", 0},
		"the global generator is found":         {"package p\nimport \"math/rand/v2\"\nvar a = rand.IntN(3)", 1},
		"another package's Now is not the time": {"package p\nimport time2 \"example.org/time\"\nvar a = time2.Now()", 0},
	} {
		t.Run(name, func(t *testing.T) {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, "p.go", tt.source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := impureUsesIn(set, file); len(got) != tt.want {
				t.Errorf("found %v, want %d", got, tt.want)
			}
		})
	}
}
