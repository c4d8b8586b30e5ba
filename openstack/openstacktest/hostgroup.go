package openstacktest

import (
	"encoding/json"
	"net/http"
)

// serverGroup is Nova's: servers that should, or should not, share a host.
type serverGroup struct {
	ID, Name, Policy, ProjectID, UserID string
}

func (r *request) hostGroupBody(g serverGroup) object {
	members := []string{}
	for _, v := range r.s.servers.all() {
		if v.HostGroup == g.ID {
			members = append(members, v.ID)
		}
	}
	m := object{"id": g.ID, "name": g.Name, "members": members, "project_id": g.ProjectID, "user_id": g.UserID}
	if r.version() >= 64 {
		m["policy"], m["rules"] = g.Policy, object{}
	} else {
		m["policies"], m["metadata"] = []string{g.Policy}, object{}
	}
	return m
}

func listHostGroups(r *request) (answer, error) {
	out := []object{}
	for _, g := range r.s.hostGroups.all() {
		if r.who.owns(g.ProjectID) {
			out = append(out, r.hostGroupBody(g))
		}
	}
	return ok(object{"server_groups": out})
}

func createHostGroup(r *request) (answer, error) {
	var in struct {
		Group struct {
			Name, Policy string
			Policies     []string
		} `json:"server_group"`
	}
	if err := json.Unmarshal(r.body, &in); err != nil || in.Group.Name == "" {
		return answer{}, refuse(http.StatusBadRequest, "", "Invalid input for field/attribute server_group.")
	}
	if len(in.Group.Policies) > 0 {
		in.Group.Policy = in.Group.Policies[0]
	}
	g := serverGroup{r.s.newID(), in.Group.Name, in.Group.Policy, r.who.ProjectID, r.who.UserID}
	r.s.hostGroups[g.ID] = g
	return ok(object{"server_group": r.hostGroupBody(g)})
}

func getHostGroup(r *request) (answer, error) {
	g, found := r.s.hostGroups[r.PathValue("id")]
	if !found || !r.who.owns(g.ProjectID) {
		return answer{}, notFound("", "Instance group %s could not be found.", r.PathValue("id"))
	}
	return ok(object{"server_group": r.hostGroupBody(g)})
}

func deleteHostGroup(r *request) (answer, error) {
	if _, err := getHostGroup(r); err != nil {
		return answer{}, err
	}
	delete(r.s.hostGroups, r.PathValue("id"))
	return done(http.StatusNoContent)
}
