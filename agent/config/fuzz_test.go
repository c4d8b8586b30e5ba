package config_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/strict"
)

// Whatever stands in a file, it is either refused with problems that point
// into it, or a configuration that survives being written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		text, "", "{", "a: *a", "a: &a [*a]\nb: *a", "group: &g x\ngroup: *g", "<<: &m {<<: *m}",
		"checks: [{name: a}]\nrouters:\n\t- x", "? [a]\n: b", "%YAML 1.1\n---\nx: y\n...\n", "routers: [{interval: !!int 1}]",
		"group: |\n  a\n  b\n", "\ufeffgroup: a\r\n", "---\n---\n", "routers: [{peers: [::1%eth0]}]", "!!map {group: !!str 1}",
		"group: a\nrouters: [{vrid: 1, interface: {name: e}, addresses: [fe80::1/64, fd00::1/64], source: fe80::2, mode: multicast, priority: 255, interval: 10ms}]\ncontrol: /c\n",
		"group: a\nrouters: [{vrid: 1, interface: {name: e}, addresses: [10.0.0.9/24], source: 10.0.0.2, peers: [], priority: 10, interval: 2s, version: 2, preempt: true, preempt_delay: 1s, start_delay: 1s, announce: {replies: true, refresh: 1s}}]\ncontrol: /c\nmetrics: ':9'\n",
		"group: a\nrouters: []\ncontrol: /c\nchecks: [{name: a, exec: [/a, b], status: []}, {name: b, http: 'https://a', insecure: true, status: [200]}, {name: c, file: /a, max_age: 1s}, {name: d, unit: a.service}, {name: e, gateway: auto}, {name: f, process: a}]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data, "f")
		if err != nil {
			var problems strict.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error of type %T", err)
			}
			for _, p := range problems {
				if p.Message == "" || p.Line < 1 && len(data) <= strict.MaxSize || p.Line > 0 && p.Column < 1 {
					t.Errorf("problem without a message or a place: %+v", p)
				}
			}
			return
		}
		written, err := config.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse(written, "written")
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if diff := cmp.Diff(c, again, compare); diff != "" {
			t.Errorf("(-read +written and read)\n%s", diff)
		}
	})
}
