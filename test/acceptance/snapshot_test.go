//go:build acceptance

package acceptance

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snapshot is everything of the project that havip could touch, without what
// changes by itself (revisions, times, states) and without what another run
// of these tests makes meanwhile.
func snapshot(t *testing.T) string {
	t.Helper()
	read := func(url string) []thing {
		t.Helper()
		var body map[string][]thing
		resp, err := the.neut.Get(t.Context(), the.neut.ServiceURL(url), &body, nil)
		if err != nil {
			t.Fatalf("snapshot: %v", err)
		}
		resp.Body.Close()
		for _, list := range body {
			list = slices.DeleteFunc(list, thing.othersRun)
			for _, o := range list {
				o.settle()
			}
			slices.SortFunc(list, func(a, b thing) int { return strings.Compare(a.text("id"), b.text("id")) })
			return list
		}
		t.Fatalf("snapshot: %s gives no list", url)
		return nil
	}
	ports := read("ports?network_id=" + the.network)
	groups := read("security-groups")
	rules := read("security-group-rules")
	fips := read("floatingips")

	// Rules and floating IPs bear no name: they are ours with what they belong to.
	rules = slices.DeleteFunc(rules, func(r thing) bool { return !has(groups, r.text("security_group_id")) })
	fips = slices.DeleteFunc(fips, func(f thing) bool {
		marked := f.text("description") != "" || len(f["tags"].([]any)) > 0
		return !marked && !has(ports, f.text("port_id")) && f.text("floating_ip_address") != the.vipFIP
	})
	b, err := json.MarshalIndent(map[string]any{"ports": ports, "groups": groups, "rules": rules, "fips": fips}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// thing is one object as Neutron shows it.
type thing map[string]any

func (o thing) text(field string) string {
	s, _ := o[field].(string)
	return s
}

// settle takes out what changes by itself, and the rules of a group, which
// stand in no order there and are listed on their own.
func (o thing) settle() {
	for _, k := range []string{"revision_number", "updated_at", "status", "port_details", "security_group_rules"} {
		delete(o, k)
	}
}

// prefixes are those that runs give to their names.
var prefixes = regexp.MustCompile(`\bacc\d+-`)

// othersRun tells whether a thing bears the prefix of another run.
func (o thing) othersRun() bool {
	text, _ := json.Marshal(o)
	found := prefixes.FindAllString(string(text), -1)
	return len(found) > 0 && !slices.Contains(found, the.prefix)
}

func has(list []thing, id string) bool {
	return slices.ContainsFunc(list, func(o thing) bool { return o.text("id") == id })
}
