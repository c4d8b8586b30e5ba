package main

import (
	"go/parser"
	"go/token"
	"testing"
)

// make mutants runs them; that they still apply is known before.
func TestEveryMutantAppliesOnceAndIsGo(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range mutants {
		source, err := apply(m, "../..")
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.File, source, 0); err != nil {
			t.Errorf("mutant %q: %v", m.Name, err)
		}
		if names[m.Name] {
			t.Errorf("two mutants are called %q", m.Name)
		}
		names[m.Name] = true
	}
}

func TestAMutantThatDoesNotApplyIsAnError(t *testing.T) {
	for _, old := range []string{"not a line of the machine", "return"} {
		if _, err := apply(Mutant{"a", "timers.go", old, ""}, "../.."); err == nil {
			t.Errorf("%q was replaced", old)
		}
	}
}

func TestTheCatchIsRead(t *testing.T) {
	got, err := readCatch([]byte("--- FAIL: TestSeeds (0.01s)\n    sim_test.go:27: seed 14: rivals violated at 2.0000s: a and b\n"))
	if want := (Catch{"rivals", "14"}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := readCatch([]byte("panic: no more memory")); err == nil {
		t.Error("a panic counts as a catch")
	}
}
