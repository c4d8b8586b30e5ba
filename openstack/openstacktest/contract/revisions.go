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

func tags() []rule {
	tag := func(c *call, method string, p object, name string) reply {
		return c.do(method, "/ports/"+id(p)+"/tags"+name, nil)
	}
	return []rule{
		{"a tag bumps the revision, and a PUT held to the one before is refused", func(c *call) {
			p := c.port(object{})
			if r := tag(c, "PUT", p, "/havip"); r.status != http.StatusCreated {
				c.Errorf("adding a tag gave %d", r.status)
			}
			if after := c.read("ports", id(p)); revision(after) <= revision(p) {
				c.Errorf("revision was %d and is %d", revision(p), revision(after))
			}
			c.putPort(p, object{"name": "x"}, "If-Match", fmt.Sprintf("revision_number=%d", revision(p))).
				refused(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
		}},
		{"a tag may be added twice and is there once", func(c *call) {
			p := c.port(object{})
			tag(c, "PUT", p, "/havip").ok()
			tag(c, "PUT", p, "/havip").ok()
			c.want(c.read("ports", id(p)), "tags", []string{"havip"})
		}},
		{"a tag that is not there cannot be removed", func(c *call) {
			p := c.port(object{})
			tag(c, "DELETE", p, "/havip").refused(http.StatusNotFound, "TagNotFound")
			tag(c, "GET", p, "/havip").refused(http.StatusNotFound, "TagNotFound")
		}},
		{"a PUT of tags replaces all", func(c *call) {
			p := c.port(object{})
			tag(c, "PUT", p, "/theirs").ok()
			c.do("PUT", "/ports/"+id(p)+"/tags", object{"tags": []string{"havip"}}).ok()
			c.want(c.read("ports", id(p)), "tags", []string{"havip"})
		}},
		{"a tag with a slash is another path", func(c *call) {
			p := c.port(object{})
			if r := tag(c, "PUT", p, "/a%2Fb"); r.status != http.StatusNotFound {
				c.Errorf("a tag with a slash gave %d", r.status)
			}
		}},
		{"a list by tags has objects with all of them", func(c *call) {
			p, q := c.port(object{}), c.port(object{})
			one, two := c.Name(), "two"
			one = fmt.Sprintf("%x", len(one)) + id(p)[:8]
			for _, o := range []object{p, q} {
				tag(c, "PUT", o, "/"+one).ok()
			}
			tag(c, "PUT", p, "/"+two).ok()
			both := c.do("GET", "/ports?tags="+one+","+two, nil).list()
			if got := field(both, "id"); len(got) != 1 || got[0] != id(p) {
				c.Errorf("ports with both tags are %v", got)
			}
			if got := c.do("GET", "/ports?tags="+one, nil).list(); len(got) != 2 {
				c.Errorf("ports with one of the tags are %v", field(got, "id"))
			}
		}},
		{"an object that is not there cannot be tagged", func(c *call) {
			c.do("PUT", "/ports/"+unknown+"/tags/havip", nil).refused(http.StatusNotFound, "TagResourceNotFound")
		}},
	}
}
