// Package contract is the rules of OpenStack that havip is built on, each as a
// test over plain HTTP. It runs on the cloud in memory, which so cannot drift,
// and on a real one.
package contract

import (
	"net/http"
	"testing"
)

// Target is a cloud, seen by a plain member of a project.
type Target struct {
	Network string // Neutron's endpoint, without a version
	Compute string // Nova's, with /v2.1
	Token   string
	// IDs of what the member may use.
	External, Image, Flavor string
	Client                  *http.Client // nil: http.DefaultClient
}

// rule is one sentence about a cloud and its test.
type rule struct {
	name string
	test func(*call)
}

// section is rules about one thing.
type section struct {
	name  string
	rules []rule
}

func sections() []section {
	return []section{
		{"ports", ports()},
		{"address pairs", pairs()},
		{"revisions", revisions()},
		{"tags", tags()},
		{"security groups", groups()},
		{"security group rules", securityRules()},
		{"floating IPs", floatingIPs()},
		{"routers", routers()},
		{"lists", lists()},
		{"refusals", refusals()},
	}
}

// Rules are the sentences that RunContract holds a cloud to, each after its
// section and a colon.
func Rules() []string {
	var out []string
	for _, s := range append(sections(), section{"servers", servers()}) {
		for _, r := range s.rules {
			out = append(out, s.name+": "+r.name)
		}
	}
	return out
}

// RunContract holds a cloud to all rules. It makes what it needs with names
// that begin with "havip-contract" and removes it.
func RunContract(t *testing.T, target Target) {
	if target.Client == nil {
		target.Client = http.DefaultClient
	}
	w := &world{Target: target}
	w.build(&call{T: t, w: w})
	t.Run("rules", func(t *testing.T) {
		for _, s := range sections() {
			for _, r := range s.rules {
				t.Run(s.name+"/"+r.name, func(t *testing.T) {
					t.Parallel()
					r.test(&call{T: t, w: w})
				})
			}
		}
	})
	// these share one server, one after the other
	t.Run("rules/servers", func(t *testing.T) {
		for _, r := range servers() {
			t.Run(r.name, func(t *testing.T) { r.test(&call{T: t, w: w}) })
		}
	})
}
