//go:build acceptance

package acceptance

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"github.com/havip/havip/test/project"
)

// snapshot is everything of the project that havip could touch, without what
// changes by itself (revisions, times, states) and without what another run
// of these tests makes meanwhile.
func snapshot(t *testing.T) string {
	t.Helper()
	const ports, groups, rules, fips = "ports", "security-groups", "security-group-rules", "floatingips"
	s, err := project.Take(t.Context(), the.neut, ports, groups, rules, fips)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	for path := range s {
		s[path] = slices.DeleteFunc(s[path], othersRun)
	}
	s[ports] = slices.DeleteFunc(s[ports], func(p project.Object) bool { return p.Text("network_id") != the.network })

	// Rules and floating IPs bear no name: they are ours with what they belong to.
	s[rules] = slices.DeleteFunc(s[rules], func(r project.Object) bool { return !has(s[groups], r.Text("security_group_id")) })
	s[fips] = slices.DeleteFunc(s[fips], func(f project.Object) bool {
		marked := f.Text("description") != "" || len(f["tags"].([]any)) > 0
		return !marked && !has(s[ports], f.Text("port_id")) && f.Text("floating_ip_address") != the.vipFIP
	})
	return s.String()
}

// prefixes are those that runs give to their names.
var prefixes = regexp.MustCompile(`\bacc\d+-`)

// othersRun tells whether a thing bears the prefix of another run.
func othersRun(o project.Object) bool {
	text, _ := json.Marshal(o)
	found := prefixes.FindAllString(string(text), -1)
	return len(found) > 0 && !slices.Contains(found, the.prefix)
}

func has(list []project.Object, id string) bool {
	return slices.ContainsFunc(list, func(o project.Object) bool { return o.Text("id") == id })
}
