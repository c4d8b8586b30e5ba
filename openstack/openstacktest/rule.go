package openstacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// rule is one of a security group. Empty fields are null: any.
type rule struct {
	standard
	GroupID       string  `json:"security_group_id"`
	Direction     string  `json:"direction"`
	EtherType     string  `json:"ethertype"`
	Protocol      *string `json:"protocol"`
	PortMin       *int    `json:"port_range_min"`
	PortMax       *int    `json:"port_range_max"`
	RemoteGroupID *string `json:"remote_group_id"`
	RemotePrefix  *string `json:"remote_ip_prefix"`
	AddressGroup  *string `json:"remote_address_group_id"`
	Normalized    *string `json:"normalized_cidr"`
}

func (s *state) newRule(g securityGroup, now time.Time) rule {
	n := rule{standard: s.newStandard(g.ProjectID, now), GroupID: g.ID}
	n.Revision = 0
	return n
}

func (s *state) countRules(project string) int {
	n := 0
	for _, g := range s.groups {
		if g.ProjectID == project {
			n += len(g.Rules)
		}
	}
	return n
}

func (r *request) rules() []rule {
	var out []rule
	for _, g := range r.s.groups.all() {
		if r.who.owns(g.ProjectID) {
			out = append(out, g.Rules...)
		}
	}
	return out
}

func (r *request) rule(id string) (rule, error) {
	for _, n := range r.rules() {
		if n.ID == id {
			return n, nil
		}
	}
	return rule{}, notFound("SecurityGroupRuleNotFound", "Security group rule %s does not exist", id)
}

func listRules(r *request) (answer, error) {
	var out []object
	for _, n := range r.rules() {
		out = append(out, r.show(n))
	}
	return r.listed("security_group_rules", rule{}, out)
}

func getRule(r *request) (answer, error) {
	n, err := r.rule(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"security_group_rule": r.show(n)})
}

// createRules makes one rule or, all or none, a list of them.
func createRules(r *request) (answer, error) {
	var bulk struct {
		Rules []json.RawMessage `json:"security_group_rules"`
	}
	if err := json.Unmarshal(r.body, &bulk); err == nil && bulk.Rules != nil {
		out := []object{}
		for _, text := range bulk.Rules {
			a, err := parseAttrs(text)
			if err != nil {
				return answer{}, err
			}
			n, err := r.createRule(a, out)
			if err != nil {
				return answer{}, err
			}
			out = append(out, r.show(n))
		}
		return made(object{"security_group_rules": out})
	}
	a, err := r.attributes("security_group_rule")
	if err != nil {
		return answer{}, err
	}
	n, err := r.createRule(a, nil)
	if err != nil {
		return answer{}, err
	}
	return made(object{"security_group_rule": r.show(n)})
}

// createRule makes a rule; before are those of the same request.
func (r *request) createRule(a *attrs, before []object) (rule, error) {
	a.required("security_group_id")
	a.required("direction")
	var groupID string
	a.id("security_group_id", &groupID)
	if a.err != nil {
		return rule{}, a.err
	}
	g, err := r.group(groupID)
	if err != nil {
		return rule{}, err
	}
	n := r.s.newRule(g, r.now)
	a.owner(r, "create_security_group_rule")
	if err := n.read(r, a); err != nil {
		return rule{}, err
	}
	for _, o := range g.Rules {
		if !o.same(n) {
			continue
		}
		if slices.ContainsFunc(before, func(m object) bool { return m["id"] == o.ID }) {
			return rule{}, refuse(http.StatusConflict, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST.")
		}
		return rule{}, refuse(http.StatusConflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", o.ID)
	}
	if err := r.within("security_group_rule", r.s.countRules(g.ProjectID), 1); err != nil {
		return rule{}, err
	}
	g.Rules = append(slices.Clone(g.Rules), n)
	g.bump(r.now)
	r.s.groups[g.ID] = g
	return n, nil
}

// read takes a rule's attributes and keeps the rules of rules.
func (n *rule) read(r *request, a *attrs) error {
	a.text("description", &n.Description)
	a.text("direction", &n.Direction)
	if n.EtherType = "IPv4"; a.has("ethertype") {
		a.text("ethertype", &n.EtherType)
	}
	var proto any
	if a.take("protocol", &proto, "a protocol") && proto != "any" && proto != "" {
		text := strings.ToLower(fmt.Sprint(proto))
		n.Protocol = &text
	}
	for key, v := range map[string]**int{"port_range_min": &n.PortMin, "port_range_max": &n.PortMax} {
		var i int
		if a.number(key, &i) {
			*v = &i
		}
	}
	for key, v := range map[string]**string{"remote_group_id": &n.RemoteGroupID, "remote_ip_prefix": &n.RemotePrefix} {
		var s string
		if a.text(key, &s); s != "" {
			*v = &s
		}
	}
	a.ignore("remote_address_group_id")
	if err := a.end(); err != nil {
		return err
	}
	return n.check(r)
}

func deleteRule(r *request) (answer, error) {
	n, err := r.rule(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	g := r.s.groups[n.GroupID]
	g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(o rule) bool { return o.ID == n.ID })
	g.bump(r.now)
	r.s.groups[g.ID] = g
	return done(http.StatusNoContent)
}
