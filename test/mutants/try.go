package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// machine is the folder that mutants are made of, from the root of the module.
const machine = "agent/vrrp"

// Catch is the invariant that a mutant violated and the seed of the scenario; empty
// when it violated none.
type Catch struct{ Invariant, Seed string }

// apply returns the source of the mutant's file with the mutation.
func apply(m Mutant, root string) ([]byte, error) {
	name := filepath.Join(root, machine, m.File)
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.Old)); n != 1 {
		return nil, fmt.Errorf("apply mutant %q: its text stands %d times in %s, want once", m.Name, n, m.File)
	}
	return bytes.Replace(source, []byte(m.Old), []byte(m.New), 1), nil
}

// try builds the simulator's tests with a mutant in place of the machine, and runs
// them alone: the tests of the machine itself have no say.
func try(m Mutant, tmp string, seeds int) (Catch, error) {
	root, err := moduleRoot()
	if err != nil {
		return Catch{}, err
	}
	source, err := apply(m, root)
	if err != nil {
		return Catch{}, err
	}
	mutated, overlay, binary := filepath.Join(tmp, m.File), filepath.Join(tmp, "overlay.json"), filepath.Join(tmp, "sim.test")
	replace, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(root, machine, m.File): mutated},
	})
	if err != nil {
		return Catch{}, err
	}
	if err := errors.Join(os.WriteFile(mutated, source, 0o644), os.WriteFile(overlay, replace, 0o644)); err != nil {
		return Catch{}, err
	}
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, "./agent/sim")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return Catch{}, fmt.Errorf("build: %w\n%s", err, out)
	}
	test := exec.Command(binary, "-test.run", "^TestSeeds$", "-test.timeout", "10m", fmt.Sprintf("-seeds=%d", seeds))
	test.Dir = root
	out, err := test.CombinedOutput()
	if err == nil {
		return Catch{}, nil
	}
	return readCatch(out)
}

var violation = regexp.MustCompile(`seed (\d+): (\S+) violated at`)

// readCatch finds what a failed run of the simulator says.
func readCatch(out []byte) (Catch, error) {
	found := violation.FindSubmatch(out)
	if found == nil {
		return Catch{}, fmt.Errorf("the simulator failed otherwise:\n%s", out)
	}
	return Catch{Invariant: string(found[2]), Seed: string(found[1])}, nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's folder: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
