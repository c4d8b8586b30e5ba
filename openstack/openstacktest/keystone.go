package openstacktest

import (
	"io"
	"net/http"
	"slices"
)

// routeIdentity serves Keystone v3.
func (c *Cloud) routeIdentity() {
	s := service{(*refusal).keystoneBody}
	for _, path := range []string{"/identity", "/identity/{$}"} {
		c.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			versions := object{"versions": object{"values": []object{c.keystoneVersion(r)}}}
			c.reply(w, s, answer{status: http.StatusMultipleChoices, body: versions}, nil)
		})
	}
	for _, path := range []string{"/identity/v3", "/identity/v3/{$}"} {
		c.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			c.reply(w, s, answer{status: http.StatusOK, body: object{"version": c.keystoneVersion(r)}}, nil)
		})
	}
	c.routes.HandleFunc("POST /identity/v3/auth/tokens", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.mu.Lock()
		id, t, err := c.login(body)
		a := answer{status: http.StatusCreated, body: object{"token": c.tokenBody(r, t)}, header: map[string]string{"X-Subject-Token": id}}
		c.mu.Unlock()
		c.reply(w, s, a, err)
	})
	c.handle(s, "GET /identity/v3/auth/tokens", func(r *request) (answer, error) {
		id := r.Header.Get("X-Subject-Token")
		t, found := c.identity.valid(id, r.now)
		if !found {
			return answer{}, refuse(http.StatusNotFound, "", "Could not find token: %s.", id)
		}
		return answer{status: http.StatusOK, body: object{"token": c.tokenBody(r.Request, t)}, header: map[string]string{"X-Subject-Token": id}}, nil
	})
	c.handle(s, "DELETE /identity/v3/auth/tokens", func(r *request) (answer, error) {
		delete(c.identity.tokens, r.Header.Get("X-Subject-Token"))
		return done(http.StatusNoContent)
	})
	c.handle(s, "GET /identity/v3/auth/catalog", func(r *request) (answer, error) {
		return ok(object{"catalog": c.catalogue(r.Request), "links": object{"self": c.base(r.Request) + r.URL.Path}})
	})
	c.handle(s, "GET /identity/v3/auth/projects", getAuthProjects)
	c.handle(s, "GET /identity/v3/projects", listProjects)
	c.handle(s, "GET /identity/v3/projects/{id}", getProject)
	c.handle(s, "GET /identity/v3/domains/{id}", getDomain)
	c.handle(s, "GET /identity/v3/domains", func(*request) (answer, error) {
		return ok(object{"domains": []object{domain()}})
	})
	c.routes.HandleFunc("/identity/", func(w http.ResponseWriter, _ *http.Request) {
		c.reply(w, s, answer{}, refuse(http.StatusNotFound, "", "The requested URL was not found on the server."))
	})
}

func (c *Cloud) keystoneVersion(r *http.Request) object {
	return object{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []object{{"rel": "self", "href": c.base(r) + "/identity/v3/"}},
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

func domain() object {
	return object{"id": domainID, "name": domainName, "enabled": true, "description": "", "links": object{}}
}

func (c *Cloud) tokenBody(r *http.Request, t token) object {
	const form = "2006-01-02T15:04:05.000000Z"
	body := object{
		"methods":    []string{t.method},
		"user":       object{"id": t.user.ID, "name": t.user.Name, "domain": object{"id": domainID, "name": domainName}, "password_expires_at": nil},
		"audit_ids":  []string{"audit"},
		"issued_at":  t.issued.UTC().Format(form),
		"expires_at": t.expires.UTC().Format(form),
	}
	if t.project.ID == "" {
		return body
	}
	roles := []object{}
	for _, name := range t.roles {
		roles = append(roles, object{"id": name, "name": name})
	}
	body["project"] = object{"id": t.project.ID, "name": t.project.Name, "domain": object{"id": domainID, "name": domainName}}
	body["is_domain"] = false
	body["roles"] = roles
	body["catalog"] = c.catalogue(r)
	return body
}

// catalogue is where the services are, seen from the caller.
func (c *Cloud) catalogue(r *http.Request) []object {
	out := []object{}
	at := map[string]int{}
	for _, e := range c.identity.endpoints {
		n, found := at[e.Type]
		if !found {
			n = len(out)
			at[e.Type] = n
			out = append(out, object{"type": e.Type, "name": e.Name, "id": e.Type, "endpoints": []object{}})
		}
		entry := object{
			"id": e.Type + "-" + e.Interface + "-" + e.Region, "interface": e.Interface,
			"region": e.Region, "region_id": e.Region, "url": c.base(r) + e.Path,
		}
		out[n]["endpoints"] = append(out[n]["endpoints"].([]object), entry)
	}
	return out
}

func projectBody(p project) object {
	return object{
		"id": p.ID, "name": p.Name, "domain_id": domainID, "parent_id": domainID, "enabled": true,
		"is_domain": false, "description": "", "tags": []string{}, "options": object{}, "links": object{},
	}
}

// getAuthProjects lists what the caller may log in to.
func getAuthProjects(r *request) (answer, error) {
	u, _ := r.cloud.identity.user(r.who.UserID)
	out := []object{}
	for _, p := range r.cloud.identity.projects {
		if len(u.Roles[p.ID]) > 0 {
			out = append(out, projectBody(p))
		}
	}
	return ok(object{"projects": out, "links": object{}})
}

func listProjects(r *request) (answer, error) {
	if !r.who.Admin {
		return answer{}, refuse(http.StatusForbidden, "", "You are not authorized to perform the requested action: identity:list_projects.")
	}
	names := r.URL.Query()["name"]
	out := []object{}
	for _, p := range r.cloud.identity.projects {
		if len(names) == 0 || slices.Contains(names, p.Name) {
			out = append(out, projectBody(p))
		}
	}
	return ok(object{"projects": out, "links": object{}})
}

func getProject(r *request) (answer, error) {
	p, found := lookUp(r.cloud.identity.projects, func(p project) bool { return p.ID == r.PathValue("id") })
	switch {
	case !found && r.who.Admin:
		return answer{}, refuse(http.StatusNotFound, "", "Could not find project: %s.", r.PathValue("id"))
	case !found || !r.who.owns(p.ID):
		return answer{}, refuse(http.StatusForbidden, "", "You are not authorized to perform the requested action: identity:get_project.")
	}
	return ok(object{"project": projectBody(p)})
}

func getDomain(r *request) (answer, error) {
	if r.PathValue("id") != domainID {
		return answer{}, refuse(http.StatusNotFound, "", "Could not find domain: %s.", r.PathValue("id"))
	}
	return ok(object{"domain": domain()})
}
