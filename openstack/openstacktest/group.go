package openstacktest

import (
	"net/http"
	"slices"
	"time"
)

// securityGroup is Neutron's.
type securityGroup struct {
	standard
	Name     string `json:"name"`
	Stateful bool   `json:"stateful"`
	Shared   bool   `json:"shared"`
	Rules    []rule `json:"security_group_rules"`
}

func (r *request) group(id string) (securityGroup, error) {
	g, found := r.s.groups[id]
	if !found || !r.who.owns(g.ProjectID) {
		return g, notFound("SecurityGroupNotFound", "Security group %s does not exist", id)
	}
	return g, nil
}

// newGroup makes a group as Neutron does: with all egress allowed.
func (s *state) newGroup(project, name, description string, now time.Time) securityGroup {
	g := securityGroup{standard: s.newStandard(project, now), Stateful: true}
	g.Name, g.Description = name, description
	for _, ethertype := range []string{"IPv4", "IPv6"} {
		n := s.newRule(g, now)
		n.Direction, n.EtherType = "egress", ethertype
		g.Rules = append(g.Rules, n)
		if name == "default" {
			n := s.newRule(g, now)
			n.Direction, n.EtherType, n.RemoteGroupID = "ingress", ethertype, &g.ID
			g.Rules = append(g.Rules, n)
		}
	}
	s.groups[g.ID] = g
	return g
}

// defaultGroup is the ID of a project's group "default", which Neutron makes
// when it is first needed.
func (s *state) defaultGroup(project string, now time.Time) string {
	for _, g := range s.groups.all() {
		if g.ProjectID == project && g.Name == "default" {
			return g.ID
		}
	}
	return s.newGroup(project, "default", "Default security group", now).ID
}

func listGroups(r *request) (answer, error) {
	var out []object
	for _, g := range r.s.groups.all() {
		if r.who.owns(g.ProjectID) {
			out = append(out, r.show(g))
		}
	}
	return r.listed("security_groups", securityGroup{}, out)
}

func getGroup(r *request) (answer, error) {
	g, err := r.group(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"security_group": pick(r.show(g), r.URL.Query()["fields"])})
}

func createGroup(r *request) (answer, error) {
	a, err := r.attributes("security_group")
	if err != nil {
		return answer{}, err
	}
	project := a.owner(r, "create_security_group")
	var name, description string
	stateful := true
	a.text("name", &name)
	a.text("description", &description)
	a.flag("stateful", &stateful)
	if err := a.end(); err != nil {
		return answer{}, err
	}
	if err := r.denied("create_security_group"); err != nil {
		return answer{}, err
	}
	r.s.defaultGroup(project, r.now)
	if name == "default" {
		return answer{}, refuse(http.StatusConflict, "SecurityGroupDefaultAlreadyExists", "Default security group already exists.")
	}
	if err := r.within("security_group", count(r.s.groups, project), 1); err != nil {
		return answer{}, err
	}
	if err := r.within("security_group_rule", r.s.countRules(project), 2); err != nil {
		return answer{}, err
	}
	g := r.s.newGroup(project, name, description, r.now)
	g.Stateful = stateful
	r.s.groups[g.ID] = g
	return made(object{"security_group": r.show(g)})
}

func updateGroup(r *request) (answer, error) {
	g, err := r.group(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	a, err := r.attributes("security_group")
	if err != nil {
		return answer{}, err
	}
	if g.Name == "default" && a.has("name") {
		return answer{}, refuse(http.StatusConflict, "SecurityGroupCannotUpdateDefault", "Updating default security group not allowed.")
	}
	a.fixed("id", "tenant_id", "project_id", "security_group_rules", "tags")
	a.text("name", &g.Name)
	a.text("description", &g.Description)
	a.flag("stateful", &g.Stateful)
	if err := a.end(); err != nil {
		return answer{}, err
	}
	if err := r.ifMatch(g.standard); err != nil {
		return answer{}, err
	}
	g.bump(r.now)
	r.s.groups[g.ID] = g
	return ok(object{"security_group": r.show(g)})
}

func deleteGroup(r *request) (answer, error) {
	g, err := r.group(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	for _, p := range r.s.ports {
		if slices.Contains(p.Groups, g.ID) {
			return answer{}, refuse(http.StatusConflict, "SecurityGroupInUse", "Security Group %s in use.", g.ID)
		}
	}
	if g.Name == "default" && !r.who.Admin {
		return answer{}, refuse(http.StatusConflict, "SecurityGroupCannotRemoveDefault", "Insufficient rights for removing default security group.")
	}
	if err := r.ifMatch(g.standard); err != nil {
		return answer{}, err
	}
	delete(r.s.groups, g.ID)
	// rules of others that name the group go with it
	for id, o := range r.s.groups {
		o.Rules = slices.DeleteFunc(slices.Clone(o.Rules), func(x rule) bool { return x.RemoteGroupID != nil && *x.RemoteGroupID == g.ID })
		r.s.groups[id] = o
	}
	return done(http.StatusNoContent)
}
