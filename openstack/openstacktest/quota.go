package openstacktest

import (
	"encoding/json"
	"maps"
)

// used is how much of each quota a project has used.
func (s *state) used(project string) map[string]int {
	return map[string]int{
		"network": count(s.networks, project), "subnet": count(s.subnets, project), "port": count(s.ports, project),
		"router": count(s.routers, project), "floatingip": count(s.floatingIPs, project),
		"security_group": count(s.groups, project), "security_group_rule": s.countRules(project),
	}
}

func (r *request) quotaAllowed(action string) error {
	if err := r.denied(action); err != nil {
		return err
	}
	if !r.who.owns(r.PathValue("project")) || action == "update_quota" && !r.who.Admin {
		return disallowed(action, "")
	}
	return nil
}

func getQuota(r *request) (answer, error) {
	if err := r.quotaAllowed("get_quota"); err != nil {
		return answer{}, err
	}
	return ok(object{"quota": maps.Clone(r.cloud.rules.quotas)})
}

func getQuotaDetails(r *request) (answer, error) {
	if err := r.quotaAllowed("get_quota"); err != nil {
		return answer{}, err
	}
	used := r.s.used(r.PathValue("project"))
	out := object{}
	for name, limit := range r.cloud.rules.quotas {
		out[name] = object{"limit": limit, "used": used[name], "reserved": 0}
	}
	return ok(object{"quota": out})
}

// updateQuota changes a limit: of all projects, there is but one of interest.
func updateQuota(r *request) (answer, error) {
	if err := r.quotaAllowed("update_quota"); err != nil {
		return answer{}, err
	}
	var in struct{ Quota map[string]int }
	if err := json.Unmarshal(r.body, &in); err != nil {
		return answer{}, badBody("Request body is not valid JSON.")
	}
	for name, limit := range in.Quota {
		if _, known := r.cloud.rules.quotas[name]; !known {
			return answer{}, badBody("Unrecognized attribute(s) '%s'", name)
		}
		r.cloud.rules.quotas[name] = limit
	}
	return ok(object{"quota": maps.Clone(r.cloud.rules.quotas)})
}
