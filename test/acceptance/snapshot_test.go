//go:build acceptance

package acceptance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// snapshot is everything of the project that havip could touch, without what
// changes by itself (revisions, times, states).
func snapshot(t *testing.T) string {
	t.Helper()
	all := map[string]any{}
	for name, url := range map[string]string{
		"ports":                "ports?network_id=" + the.network,
		"security_groups":      "security-groups",
		"security_group_rules": "security-group-rules",
		"floatingips":          "floatingips",
	} {
		body := map[string][]map[string]any{}
		resp, err := the.neut.Get(t.Context(), the.neut.ServiceURL(url), &body, nil)
		if err != nil {
			t.Fatalf("snapshot of %s: %v", name, err)
		}
		resp.Body.Close()
		objects := body[name]
		for _, o := range objects {
			for _, k := range []string{"revision_number", "updated_at", "status", "port_details"} {
				delete(o, k)
			}
			// In groups the rules stand in no order; they are listed on their own.
			delete(o, "security_group_rules")
		}
		slices.SortFunc(objects, func(a, b map[string]any) int { return cmp.Compare(fmt.Sprint(a["id"]), fmt.Sprint(b["id"])) })
		all[name] = objects
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
