package openstack_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
)

const freshGroup = `{"security_group": {"id": "sg-1", "name": "havip-b", "description": "d", "project_id": "p1", "tags": [], "revision_number": 1, "created_at": "2026-01-02T03:04:05Z",
	"security_group_rules": [
		{"id": "r4", "direction": "egress", "ethertype": "IPv4", "protocol": null, "port_range_min": null, "port_range_max": null, "remote_group_id": null, "remote_ip_prefix": null},
		{"id": "r6", "direction": "egress", "ethertype": "IPv6", "protocol": null, "port_range_min": null, "port_range_max": null, "remote_group_id": null, "remote_ip_prefix": null}]}}`

func TestNewSecurityGroupTellsTheEgressRulesItCameWith(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("POST /network/v2.0/security-groups", answer{status: 201, body: freshGroup})
	got, err := client.CreateSecurityGroup(t.Context(), openstack.SecurityGroupCreate{Name: "havip-b", Description: "d"})
	if err != nil {
		t.Fatal(err)
	}
	want := openstack.SecurityGroup{
		ID: "sg-1", Name: "havip-b", Description: "d", ProjectID: "p1", Tags: []string{}, Revision: 1,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Rules:     []openstack.Rule{{ID: "r4", Direction: "egress", EtherType: "IPv4"}, {ID: "r6", Direction: "egress", EtherType: "IPv6"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(parse(t, `{"security_group": {"name": "havip-b", "description": "d"}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestSecurityGroupsAreThoseOfTheProject(t *testing.T) {
	for name, query := range map[string]string{"": "project_id=p1", "havip-b": "name=havip-b&project_id=p1"} {
		c := newCloud(t)
		client := c.connect(t)
		c.on("GET /network/v2.0/security-groups", answer{status: 200, body: `{"security_groups": []}`})
		if _, err := client.SecurityGroups(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if got := c.last().Query; got != query {
			t.Errorf("query for %q is %s, want %s", name, got, query)
		}
	}
}

func TestSecurityGroupIsDescribedOnlyAtItsRevision(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("PUT /network/v2.0/security-groups/sg-1",
		answer{status: 200, body: freshGroup},
		answer{status: 412, body: `{"NeutronError": {"type": "RevisionNumberConstraintFailed", "message": "no", "detail": ""}}`})
	if _, err := client.DescribeSecurityGroup(t.Context(), "sg-1", 3, ""); err != nil {
		t.Fatal(err)
	}
	if got := c.last().Header.Get("If-Match"); got != "revision_number=3" {
		t.Errorf("If-Match is %q", got)
	}
	if diff := cmp.Diff(parse(t, `{"security_group": {"description": ""}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if _, err := client.DescribeSecurityGroup(t.Context(), "sg-1", 3, "x"); !errors.Is(err, openstack.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestRulesAreCreatedTogetherAndOneByOneWhereSomeExist(t *testing.T) {
	const (
		rules  = "POST /network/v2.0/security-group-rules"
		exists = `{"NeutronError": {"type": "SecurityGroupRuleExists", "message": "Security group rule already exists. Rule id is r1.", "detail": ""}}`
		quota  = `{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['security_group_rule'].", "detail": ""}}`
		twice  = `{"NeutronError": {"type": "DuplicateSecurityGroupRuleInPost", "message": "Duplicate Security Group Rule in POST.", "detail": ""}}`
	)
	made := answer{status: 201, body: `{"security_group_rules": []}`}
	cases := map[string]struct {
		answers  []answer
		requests int
		want     error
	}{
		"all are new":              {[]answer{made}, 1, nil},
		"the first exists":         {[]answer{{status: 409, body: exists}, {status: 409, body: exists}, {status: 201, body: `{"security_group_rule": {}}`}}, 3, nil},
		"all exist":                {[]answer{{status: 409, body: exists}}, 3, nil},
		"two are the same":         {[]answer{{status: 409, body: twice}, {status: 201, body: `{"security_group_rule": {}}`}, {status: 409, body: exists}}, 3, nil},
		"the quota is used up":     {[]answer{{status: 409, body: quota}}, 1, openstack.ErrQuota},
		"the quota is up half-way": {[]answer{{status: 409, body: exists}, {status: 409, body: exists}, {status: 409, body: quota}}, 3, openstack.ErrQuota},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on(rules, tc.answers...)
			before := len(c.calls)
			err := client.CreateRules(t.Context(), "sg-1", []openstack.Rule{
				{Direction: "ingress", EtherType: "IPv4", Protocol: "112", RemoteGroupID: "sg-1"},
				{Direction: "egress", EtherType: "IPv4", Protocol: "tcp", PortMin: 22, PortMax: 23, RemotePrefix: "10.0.0.0/8"},
			})
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if got := len(c.calls) - before; got != tc.requests {
				t.Errorf("%d requests, want %d", got, tc.requests)
			}
			want := `{"security_group_rules": [
				{"security_group_id": "sg-1", "direction": "ingress", "ethertype": "IPv4", "protocol": "112", "remote_group_id": "sg-1"},
				{"security_group_id": "sg-1", "direction": "egress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 23, "remote_ip_prefix": "10.0.0.0/8"}]}`
			if diff := cmp.Diff(parse(t, want), parse(t, c.calls[before].Body)); diff != "" {
				t.Errorf("first request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoRulesAreNoRequest(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	before := len(c.calls)
	if err := client.CreateRules(t.Context(), "sg-1", nil); err != nil || len(c.calls) != before {
		t.Errorf("error %v after %v", err, c.since(before))
	}
}
