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
	Project, External, Image, Flavor string
	Client                           *http.Client // nil: http.DefaultClient
}

// rule is one sentence about a cloud and its test.
type rule struct {
	name string
	test func(*call)
}

// RunContract holds a cloud to all rules. It makes what it needs with names
// that begin with "havip-contract" and removes it.
func RunContract(t *testing.T, target Target) {
	if target.Client == nil {
		target.Client = http.DefaultClient
	}
	w := &world{Target: target}
	w.build(&call{T: t, w: w})
	t.Run("rule", func(t *testing.T) {
		for _, list := range [][]rule{ports(), pairs(), revisions(), tags(), groups(), securityRules(), floatingIPs(), routers(), lists(), doors()} {
			for _, r := range list {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					r.test(&call{T: t, w: w})
				})
			}
		}
	})
	// these share one server, each leaves it running
	t.Run("server", func(t *testing.T) {
		for _, r := range servers() {
			t.Run(r.name, func(t *testing.T) { r.test(&call{T: t, w: w}) })
		}
	})
}
