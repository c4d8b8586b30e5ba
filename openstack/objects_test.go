package openstack_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
)

func TestWhatIsGoneAlreadyNeedsNoDeleting(t *testing.T) {
	const gone = `{"NeutronError": {"type": "NotFound", "message": "could not be found", "detail": ""}}`
	cases := map[string]struct {
		request string
		do      func(context.Context, *openstack.Client) error
	}{
		"port":           {"DELETE /network/v2.0/ports/x", func(ctx context.Context, c *openstack.Client) error { return c.DeletePort(ctx, "x") }},
		"security group": {"DELETE /network/v2.0/security-groups/x", func(ctx context.Context, c *openstack.Client) error { return c.DeleteSecurityGroup(ctx, "x") }},
		"rule":           {"DELETE /network/v2.0/security-group-rules/x", func(ctx context.Context, c *openstack.Client) error { return c.DeleteRule(ctx, "x") }},
		"floating IP":    {"DELETE /network/v2.0/floatingips/x", func(ctx context.Context, c *openstack.Client) error { return c.DeleteFloatingIP(ctx, "x", 0) }},
		"attachment":     {"PUT /network/v2.0/floatingips/x", func(ctx context.Context, c *openstack.Client) error { return c.DetachFloatingIP(ctx, "x", 0) }},
		"tag": {"DELETE /network/v2.0/ports/x/tags/havip:group=b", func(ctx context.Context, c *openstack.Client) error {
			return c.RemoveTag(ctx, openstack.Ports, "x", "havip:group=b")
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on(tc.request, answer{status: 404, body: gone})
			if err := tc.do(t.Context(), client); err != nil {
				t.Errorf("gone already: %v", err)
			}
			c.on(tc.request, answer{status: 403, body: gone})
			if err := tc.do(t.Context(), client); err == nil {
				t.Error("a refusal is no error")
			}
		})
	}
}

func TestTagsAreAddedOneByOneAndEscaped(t *testing.T) {
	for tag, path := range map[string]string{
		"havip:group=b": "/tags/havip:group=b",
		"a b?c#d%e;f":   "/tags/a%20b%3Fc%23d%25e%3Bf",
	} {
		for kind, collection := range map[openstack.Kind]string{
			openstack.Ports: "ports", openstack.SecurityGroups: "security-groups", openstack.FloatingIPs: "floatingips",
		} {
			c := newCloud(t)
			client := c.connect(t)
			c.on("PUT /network/v2.0/"+collection+"/x"+path, answer{status: 201})
			c.on("DELETE /network/v2.0/"+collection+"/x"+path, answer{status: 204})
			if err := client.AddTag(t.Context(), kind, "x", tag); err != nil {
				t.Errorf("add %q: %v", tag, err)
			}
			if err := client.RemoveTag(t.Context(), kind, "x", tag); err != nil {
				t.Errorf("remove %q: %v", tag, err)
			}
		}
	}
}

func TestAllTagsOfAnObjectAreSetInOneRequest(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("PUT /network/v2.0/ports/x/tags", answer{status: 500, body: `{}`}, answer{status: 200, body: `{"tags": ["havip", "havip:vrid=51"]}`})
	if err := client.SetTags(t.Context(), openstack.Ports, "x", []string{"havip", "havip:vrid=51"}); err != nil {
		t.Fatal(err)
	}
	if got, want := c.last().Body, `{"tags":["havip","havip:vrid=51"]}`; got != want {
		t.Errorf("body: got %s, want %s", got, want)
	}
	before := len(c.calls)
	if client.SetTags(t.Context(), openstack.Ports, "x", []string{"fine", "a,b"}) == nil || len(c.since(before)) > 0 {
		t.Error("a tag that Neutron cannot keep is sent")
	}
}

func TestTagsThatNeutronCannotKeepAreRefused(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	before := len(c.calls)
	for _, tag := range []string{"", "a/b", "a,b", "ü", "a\nb"} {
		if client.AddTag(t.Context(), openstack.Ports, "x", tag) == nil || client.RemoveTag(t.Context(), openstack.Ports, "x", tag) == nil {
			t.Errorf("%q is taken", tag)
		}
	}
	if got := c.since(before); len(got) > 0 {
		t.Errorf("requests were made: %v", got)
	}
}

func TestFloatingIPIsAttachedAndDetached(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	const attached = `{"floatingip": {"id": "f1", "floating_ip_address": "203.0.113.10", "fixed_ip_address": "10.0.0.136", "port_id": "port-1",
		"floating_network_id": "ext", "router_id": "r1", "description": "d", "tags": ["t"], "revision_number": 2}}`
	c.on("PUT /network/v2.0/floatingips/f1", answer{status: 200, body: attached},
		answer{status: 200, body: `{"floatingip": {"id": "f1", "fixed_ip_address": null, "port_id": null, "router_id": null}}`})
	got, err := client.AttachFloatingIP(t.Context(), "f1", 0, "port-1")
	if err != nil {
		t.Fatal(err)
	}
	want := openstack.FloatingIP{
		ID: "f1", Address: netip.MustParseAddr("203.0.113.10"), Fixed: netip.MustParseAddr("10.0.0.136"), PortID: "port-1",
		NetworkID: "ext", RouterID: "r1", Description: "d", Tags: []string{"t"}, Revision: 2,
	}
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("floating IP (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(parse(t, `{"floatingip": {"port_id": "port-1"}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("attach (-want +got):\n%s", diff)
	}
	if err := client.DetachFloatingIP(t.Context(), "f1", 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, `{"floatingip": {"port_id": null}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("detach (-want +got):\n%s", diff)
	}
}

func TestAFloatingIPIsChangedOnlyAtItsRevision(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	stale := answer{status: 412, body: `{"NeutronError": {"type": "RevisionNumberConstraintFailed", "message": "no", "detail": ""}}`}
	c.on("PUT /network/v2.0/floatingips/f1", stale)
	c.on("DELETE /network/v2.0/floatingips/f1", stale)
	for name, do := range map[string]func(revision int) error{
		"attach":   func(n int) error { _, err := client.AttachFloatingIP(t.Context(), "f1", n, "port-1"); return err },
		"detach":   func(n int) error { return client.DetachFloatingIP(t.Context(), "f1", n) },
		"describe": func(n int) error { return client.DescribeFloatingIP(t.Context(), "f1", n, "") },
		"delete":   func(n int) error { return client.DeleteFloatingIP(t.Context(), "f1", n) },
	} {
		for revision, want := range map[int]string{3: "revision_number=3", 0: ""} {
			if err := do(revision); !errors.Is(err, openstack.ErrConflict) {
				t.Errorf("%s: got %v", name, err)
			}
			if got := c.last().Header.Get("If-Match"); got != want {
				t.Errorf("%s at %d: If-Match is %q", name, revision, got)
			}
		}
	}
}

func TestFloatingIPsAreThoseOfTheProject(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/floatingips", answer{status: 200, body: `{"floatingips": [{"id": "f1", "floating_ip_address": "203.0.113.10", "port_id": null}]}`})
	got, err := client.FloatingIPs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]openstack.FloatingIP{{ID: "f1", Address: netip.MustParseAddr("203.0.113.10")}}, got, compareAddrs); diff != "" {
		t.Errorf("floating IPs (-want +got):\n%s", diff)
	}
	if got := c.last().Query; got != "project_id=p1" {
		t.Errorf("query is %s", got)
	}
}

func TestFloatingIPIsAllocatedForAPortOrForNone(t *testing.T) {
	for port, want := range map[string]string{
		"":       `{"floatingip": {"floating_network_id": "ext", "description": "d"}}`,
		"port-1": `{"floatingip": {"floating_network_id": "ext", "description": "d", "port_id": "port-1"}}`,
	} {
		c := newCloud(t)
		client := c.connect(t)
		c.on("POST /network/v2.0/floatingips", answer{status: 201, body: `{"floatingip": {"id": "f1"}}`})
		if _, err := client.CreateFloatingIP(t.Context(), "ext", port, "d"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parse(t, want), parse(t, c.last().Body)); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
}

func TestQuotasThatMembersMayNotSeeAreUnknown(t *testing.T) {
	const path = "GET /network/v2.0/quotas/p1/details.json"
	cases := map[string]struct {
		answer answer
		want   openstack.Quotas
		fails  bool
	}{
		"shown":           {answer: answer{status: 200, body: `{"quota": {"port": {"limit": 50, "used": 3, "reserved": 0}, "floatingip": {"limit": -1, "used": 0, "reserved": 0}}}`}, want: openstack.Quotas{Port: &openstack.Quota{Limit: 50, Used: 3}, FloatingIP: &openstack.Quota{Limit: -1}}},
		"refused":         {answer: answer{status: 403, body: `{}`}},
		"not implemented": {answer: answer{status: 404, body: `{}`}},
		"failed":          {answer: answer{status: 500, body: `{}`}, fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on(path, tc.answer)
			got, err := client.Quotas(t.Context())
			if (err != nil) != tc.fails {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("quotas (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubnetsOfSeveralNetworksAreOneRequest(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/subnets", answer{status: 200, body: `{"subnets": [
		{"id": "s4", "name": "v4", "network_id": "n1", "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1"},
		{"id": "s6", "name": "v6", "network_id": "n2", "cidr": "2001:db8::/64", "gateway_ip": null}]}`})
	before := len(c.calls)
	got, err := client.Subnets(t.Context(), "n1", "n2")
	if err != nil {
		t.Fatal(err)
	}
	want := []openstack.Subnet{
		{ID: "s4", Name: "v4", NetworkID: "n1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1")},
		{ID: "s6", Name: "v6", NetworkID: "n2", CIDR: netip.MustParsePrefix("2001:db8::/64")},
	}
	if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
		t.Errorf("subnets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET /network/v2.0/subnets?network_id=n1&network_id=n2"}, c.since(before)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got, err := client.Subnets(t.Context()); got != nil || err != nil {
		t.Errorf("subnets of no network: %v, %v", got, err)
	}
}

func TestNetworksAreFoundByNameOrID(t *testing.T) {
	const id = "53bcf168-74df-4d2d-b253-6f83e5db9156"
	const found = `{"networks": [{"id": "` + id + `", "name": "public", "project_id": "p2", "router:external": true, "shared": true, "tags": ["t"]}]}`
	const none = `{"networks": []}`
	cases := map[string]struct {
		ref     string
		answers []answer
		want    []string
	}{
		"by name":                  {"public", []answer{{status: 200, body: found}}, []string{"GET /network/v2.0/networks?name=public"}},
		"by ID":                    {id, []answer{{status: 200, body: found}}, []string{"GET /network/v2.0/networks?id=" + id}},
		"by a name like an ID":     {id, []answer{{status: 200, body: none}, {status: 200, body: found}}, []string{"GET /network/v2.0/networks?id=" + id, "GET /network/v2.0/networks?name=" + id}},
		"nothing is looked for":    {"", nil, nil},
		"by a name to be escaped":  {"a b&c", []answer{{status: 200, body: found}}, []string{"GET /network/v2.0/networks?name=a+b%26c"}},
		"by a name of hex letters": {"deadbeef", []answer{{status: 200, body: found}}, []string{"GET /network/v2.0/networks?name=deadbeef"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on("GET /network/v2.0/networks", tc.answers...)
			before := len(c.calls)
			got, err := client.Networks(t.Context(), tc.ref)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, c.since(before)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			want := openstack.Network{ID: id, Name: "public", ProjectID: "p2", External: true, Shared: true, Tags: []string{"t"}}
			if tc.ref != "" && (len(got) != 1 || !cmp.Equal(want, got[0])) {
				t.Errorf("networks are %+v", got)
			}
		})
	}
}

func TestRoutersExternalNetworksAndExtensionsAreRead(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/routers", answer{status: 200, body: `{"routers": [
		{"id": "r1", "name": "a", "external_gateway_info": {"network_id": "ext"}, "distributed": true},
		{"id": "r2", "name": "b", "external_gateway_info": null}]}`})
	c.on("GET /network/v2.0/networks", answer{status: 200, body: `{"networks": [{"id": "ext", "router:external": true}]}`})
	c.on("GET /network/v2.0/extensions", answer{status: 200, body: `{"extensions": [{"alias": "port-security"}, {"alias": "revision-if-match"}]}`})

	routers, err := client.Routers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]openstack.Router{{ID: "r1", Name: "a", ExternalNetwork: "ext", Distributed: true}, {ID: "r2", Name: "b"}}, routers); diff != "" {
		t.Errorf("routers (-want +got):\n%s", diff)
	}
	external, err := client.ExternalNetworks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]openstack.Network{{ID: "ext", External: true}}, external); diff != "" {
		t.Errorf("external networks (-want +got):\n%s", diff)
	}
	if got := c.last().Query; got != "router%3Aexternal=true" {
		t.Errorf("query is %s", got)
	}
	have, err := client.Extensions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"port-security": true, "revision-if-match": true}, have); diff != "" {
		t.Errorf("extensions (-want +got):\n%s", diff)
	}
}
