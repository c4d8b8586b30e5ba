package openstacktest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// routeNetwork serves Neutron v2.0.
func (c *Cloud) routeNetwork() {
	s := service{(*refusal).neutronBody}
	for _, path := range []string{"/network", "/network/{$}"} {
		c.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			versions := object{"versions": []object{{
				"id": "v2.0", "status": "CURRENT", "links": []object{{"rel": "self", "href": c.base(r) + "/network/v2.0/"}},
			}}}
			c.reply(w, s, answer{status: http.StatusOK, body: versions}, nil)
		})
	}
	const v2 = "/network/v2.0"
	for _, path := range []string{v2, v2 + "/{$}"} {
		c.handle(s, "GET "+path, func(*request) (answer, error) { return ok(object{"resources": []object{}}) })
	}
	for pattern, h := range map[string]handler{
		"GET /extensions": listExtensions, "GET /extensions/{id}": getExtension,
		"GET /networks": listNetworks, "POST /networks": createNetwork,
		"GET /networks/{id}": getNetwork, "PUT /networks/{id}": updateNetwork, "DELETE /networks/{id}": deleteNetwork,
		"GET /subnets": listSubnets, "POST /subnets": createSubnet,
		"GET /subnets/{id}": getSubnet, "PUT /subnets/{id}": updateSubnet, "DELETE /subnets/{id}": deleteSubnet,
		"GET /ports": listPorts, "POST /ports": createPort,
		"GET /ports/{id}": getPort, "PUT /ports/{id}": updatePort, "DELETE /ports/{id}": deletePort,
		"GET /security-groups": listGroups, "POST /security-groups": createGroup,
		"GET /security-groups/{id}": getGroup, "PUT /security-groups/{id}": updateGroup, "DELETE /security-groups/{id}": deleteGroup,
		"GET /security-group-rules": listRules, "POST /security-group-rules": createRules,
		"GET /security-group-rules/{id}": getRule, "DELETE /security-group-rules/{id}": deleteRule,
		"GET /routers": listRouters, "POST /routers": createRouter,
		"GET /routers/{id}": getRouter, "PUT /routers/{id}": updateRouter, "DELETE /routers/{id}": deleteRouter,
		"PUT /routers/{id}/add_router_interface":    addInterface,
		"PUT /routers/{id}/remove_router_interface": removeInterface,
		"GET /floatingips":                          listFloatingIPs, "POST /floatingips": createFloatingIP,
		"GET /floatingips/{id}": getFloatingIP, "PUT /floatingips/{id}": updateFloatingIP, "DELETE /floatingips/{id}": deleteFloatingIP,
		"GET /quotas/{project}": getQuota, "GET /quotas/{project}/details.json": getQuotaDetails, "GET /quotas/{project}/details": getQuotaDetails,
		"PUT /quotas/{project}":           updateQuota,
		"GET /{collection}/{id}/tags":     getTags,
		"PUT /{collection}/{id}/tags":     replaceTags,
		"DELETE /{collection}/{id}/tags":  clearTags,
		"GET /{collection}/{id}/tags/{t}": getTag, "PUT /{collection}/{id}/tags/{t}": addTag, "DELETE /{collection}/{id}/tags/{t}": removeTag,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		c.handle(s, method+" "+v2+path, func(r *request) (answer, error) {
			if !c.rules.served(r.URL.Path) {
				return answer{}, notFound("HTTPNotFound", "The resource could not be found.")
			}
			return h(r)
		})
	}
	c.handle(s, "/network/", func(*request) (answer, error) {
		return answer{}, notFound("HTTPNotFound", "The resource could not be found.")
	})
}

// ifMatch holds a write to the revision that its If-Match names. A header of
// another form is no condition.
func (r *request) ifMatch(o standard) error {
	if r.cloud.rules.absent["revision-if-match"] {
		return nil
	}
	for _, tag := range strings.Split(r.Header.Get("If-Match"), ",") {
		text, found := strings.CutPrefix(strings.Trim(strings.TrimSpace(tag), `"`), "revision_number=")
		if !found {
			continue
		}
		if !regexp.MustCompile(`^-?\d+$`).MatchString(text) {
			return badRequest("if-match", "Revision number etag must be in the format of revision_number=<int>")
		}
		if n, err := strconv.Atoi(text); err != nil || n != o.Revision {
			return refuse(http.StatusPreconditionFailed, "RevisionNumberConstraintFailed",
				"Constrained to %s, but current revision is %d", text, o.Revision)
		}
	}
	return nil
}

// within refuses a new object beyond its project's quota. The administrator's
// counts too.
func (r *request) within(resource string, used, more int) error {
	limit, found := r.cloud.rules.quotas[resource]
	if found && limit >= 0 && used+more > limit {
		return refuse(http.StatusConflict, "OverQuota", "Quota exceeded for resources: ['%s'].", resource)
	}
	return nil
}

// count is how many objects of a table a project has.
func count[T interface{ meta() standard }](t table[T], project string) int {
	n := 0
	for _, o := range t {
		if o.meta().ProjectID == project {
			n++
		}
	}
	return n
}

// denied is a policy that a test has taken from the members.
func (r *request) denied(action string) error {
	if r.cloud.rules.denied[action] && !r.who.Admin {
		return disallowed(action, "")
	}
	return nil
}
