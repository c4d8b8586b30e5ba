package plan_test

import (
	"slices"
	"testing"

	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

func TestWhosePortIsAMembers(t *testing.T) {
	const foreign = "foreign"
	pair := []openstack.AddressPair{{IP: "10.0.0.136", MAC: "fa:16:3e:00:00:04"}}
	for _, tt := range []struct {
		name string
		edit func(*openstack.Port)
		want bool
	}{
		{"nothing speaks for it", func(*openstack.Port) {}, false},
		{"its tag", func(p *openstack.Port) { p.Tags = []string{plan.TagMember(group)} }, true},
		{"the tag of a pair that is kept", func(p *openstack.Port) { p.Tags = []string{plan.TagKeptPair(group) + ".v4"} }, true},
		{"such a tag of a group whose name begins alike", func(p *openstack.Port) { p.Tags = []string{plan.TagKeptPair(group+"-2") + ".v4"} }, false},
		{"pair and security group", func(p *openstack.Port) { p.Pairs, p.SecurityGroups = pair, []string{"sg-new"} }, true},
		{"the security group alone", func(p *openstack.Port) { p.SecurityGroups = []string{"sg-new"} }, false},
		{"the pair alone", func(p *openstack.Port) { p.Pairs = pair }, false},
		{"another project's tag", func(p *openstack.Port) { p.ProjectID, p.Tags = foreign, []string{plan.TagMember(group)} }, false},
		{
			"another project's tag, in this group's security group",
			func(p *openstack.Port) {
				p.ProjectID, p.Tags, p.SecurityGroups = foreign, []string{plan.TagMember(group)}, []string{"sg-new"}
			}, true,
		},
		{
			"another project's pair and security group",
			func(p *openstack.Port) { p.ProjectID, p.Pairs, p.SecurityGroups = foreign, pair, []string{"sg-new"} }, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := settled(t, "1 2")
			editPort(&o, "port-4", tt.edit)
			got := slices.ContainsFunc(plan.Find(group, o).MemberPorts, func(p openstack.Port) bool { return p.ID == "port-4" })
			if got != tt.want {
				t.Errorf("a member's: %t, want %t", got, tt.want)
			}
		})
	}
}
