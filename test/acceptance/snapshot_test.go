//go:build acceptance

package acceptance

import (
	"encoding/json"
	"testing"
)

// snapshot is everything of the project that havip could touch, without what
// changes by itself (revisions, times, states).
func snapshot(t *testing.T) string {
	t.Helper()
	all := map[string]any{}
	for name, url := range map[string]string{
		"ports":  "ports?network_id=" + the.network + "&sort_key=id&fields=id&fields=name&fields=description&fields=tags&fields=allowed_address_pairs&fields=security_groups&fields=fixed_ips&fields=device_id&fields=device_owner&fields=admin_state_up",
		"groups": "security-groups?sort_key=id&fields=id&fields=name&fields=description&fields=tags",
		"rules":  "security-group-rules?sort_key=id&fields=id&fields=direction&fields=protocol&fields=ethertype&fields=remote_group_id&fields=security_group_id&fields=port_range_min",
		"fips":   "floatingips?sort_key=id&fields=id&fields=floating_ip_address&fields=port_id&fields=fixed_ip_address&fields=description&fields=tags",
	} {
		var body any
		resp, err := the.neut.Get(t.Context(), the.neut.ServiceURL(url), &body, nil)
		if err != nil {
			t.Fatalf("snapshot of %s: %v", name, err)
		}
		resp.Body.Close()
		all[name] = body
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
