package spec

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/havip/havip/agent/strict"
)

// Whatever stands in a file, it is either a group that keeps the rules below,
// or refused with problems that have a message and a place.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{full, "", "servers: [[a], {<<: x}, &s {name: b}, *s]", "vips: [{floating_ip: []}, {floating_ip: }]", "ssh: {jump: [\"[\"]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data, "f")
		if err == nil {
			if g.Name == "" || len(g.Servers) < 2 || len(g.VIPs) != 1 || g.VIPs[0].Network == "" {
				t.Errorf("half a group: %+v", g)
			}
			if again, err := ParseVerify(g.Verify.String()); err != nil || again != g.Verify {
				t.Errorf("verify %q is read as %+v, %v", g.Verify, again, err)
			}
			return
		}
		var problems strict.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("error of type %T", err)
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 1 && len(data) <= strict.MaxSize {
				t.Errorf("problem without a message or a place: %+v", p)
			}
		}
	})
}
