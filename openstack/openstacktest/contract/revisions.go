package contract

import (
	"fmt"
	"net/http"
)

func revisions() []rule {
	vip := object{"allowed_address_pairs": []object{{"ip_address": "10.88.0.220"}}}
	at := func(n int) string { return fmt.Sprintf("revision_number=%d", n) }
	return []rule{
		{"a change of the pairs bumps the port's revision by one", func(c *call) {
			p := c.port(object{})
			after := c.putPort(p, vip).object()
			c.want(after, "revision_number", revision(p)+1)
			c.want(c.read("ports", id(p)), "revision_number", revision(p)+1)
		}},
		{"a PUT of pairs and groups bumps the port's revision by one", func(c *call) {
			p := c.port(object{})
			after := c.putPort(p, object{"allowed_address_pairs": vip["allowed_address_pairs"], "security_groups": []string{}}).object()
			c.want(after, "revision_number", revision(p)+1)
		}},
		{"a PUT that matches its revision is done", func(c *call) {
			p := c.port(object{})
			after := c.putPort(p, vip, "If-Match", at(revision(p))).object()
			c.want(after, "revision_number", revision(p)+1)
		}},
		{"a PUT at a stale revision is refused and changes nothing", func(c *call) {
			p := c.port(object{})
			now := c.putPort(p, object{"name": c.w.name + "-rival"}).object()
			c.putPort(p, vip, "If-Match", at(revision(p))).refused(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
			after := c.read("ports", id(p))
			c.want(after, "allowed_address_pairs", []any{})
			c.want(after, "revision_number", revision(now))
		}},
		{"an If-Match of another form is no condition", func(c *call) {
			p := c.port(object{})
			c.putPort(p, vip, "If-Match", "77").ok()
		}},
		{"a security group's description can be held to a revision", func(c *call) {
			g := c.make("security-groups", "security_group", object{})
			put := func(text string) reply {
				return c.do("PUT", "/security-groups/"+id(g), object{"security_group": object{"description": text}}, "If-Match", at(revision(g)))
			}
			after := put("mine").object()
			c.want(after, "description", "mine")
			if revision(after) <= revision(g) {
				c.Errorf("revision was %d and is %d", revision(g), revision(after))
			}
			put("also mine").refused(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
		}},
		{"a deletion can be held to a revision", func(c *call) {
			p := c.port(object{})
			c.do("DELETE", "/ports/"+id(p), nil, "If-Match", at(revision(p)+7)).refused(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
			c.do("GET", "/ports/"+id(p), nil).ok()
		}},
		{"a rule bumps the revision of its security group", func(c *call) {
			g := c.make("security-groups", "security_group", object{})
			c.do("POST", "/security-group-rules", object{"security_group_rule": object{
				"security_group_id": id(g), "direction": "ingress", "protocol": "112",
			}}).ok()
			if after := c.read("security-groups", id(g)); revision(after) <= revision(g) {
				c.Errorf("revision was %d and is %d", revision(g), revision(after))
			}
		}},
	}
}
