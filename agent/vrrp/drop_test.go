package vrrp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestThereIsACaseForEveryDropReason: those of the codec are in the table of
// TestDecodeDrops, those of the transport in its tests.
func TestThereIsACaseForEveryDropReason(t *testing.T) {
	transport, err := os.ReadFile("../transport/drops_linux_test.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := dropReasons(t)
	if len(reasons) < 10 || reasons["DropTTL"] != DropTTL {
		t.Fatalf("found only %v", reasons)
	}
	for name, reason := range reasons {
		here := slices.ContainsFunc(drops(), func(d drop) bool { return d.want == reason })
		there := strings.Contains(string(transport), "want: vrrp."+name+"}")
		if !here && !there {
			t.Errorf("no case has the reason %s (%q)", name, reason)
		}
	}
}

// dropReasons are the constants of drop.go by their names.
func dropReasons(t *testing.T) map[string]DropReason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "drop.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[string]DropReason)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			value, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons[name.Name] = DropReason(value)
		}
		return false
	})
	return reasons
}
