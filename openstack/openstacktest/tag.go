package openstacktest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// tagged is an object whose tags a request is about, and how to keep it.
type tagged struct {
	standard
	keep func(standard)
}

// taggedObject finds it by the collection and ID of the path.
func (r *request) taggedObject() (tagged, error) {
	id := r.PathValue("id")
	if r.cloud.rules.absent["standard-attr-tag"] {
		return tagged{}, notFound("HTTPNotFound", "The resource could not be found.")
	}
	switch r.PathValue("collection") {
	case "networks":
		return tag(r.s.networks, r.PathValue("collection"), id, r.network, func(o *network) *standard { return &o.standard })
	case "subnets":
		return tag(r.s.subnets, r.PathValue("collection"), id, r.subnet, func(o *subnet) *standard { return &o.standard })
	case "ports":
		return tag(r.s.ports, r.PathValue("collection"), id, r.port, func(o *port) *standard { return &o.standard })
	case "security-groups":
		return tag(r.s.groups, r.PathValue("collection"), id, r.group, func(o *securityGroup) *standard { return &o.standard })
	case "routers":
		return tag(r.s.routers, r.PathValue("collection"), id, r.router, func(o *router) *standard { return &o.standard })
	case "floatingips":
		return tag(r.s.floatingIPs, r.PathValue("collection"), id, r.floatingIP, func(o *floatingIP) *standard { return &o.standard })
	}
	return tagged{}, notFound("HTTPNotFound", "The resource could not be found.")
}

func tag[T any](of table[T], resource, id string, get func(string) (T, error), part func(*T) *standard) (tagged, error) {
	o, err := get(id)
	if err != nil {
		return tagged{}, notFound("TagResourceNotFound", "Resource %s %s could not be found.", resource, id)
	}
	return tagged{*part(&o), func(s standard) { *part(&o) = s; of[id] = o }}, nil
}

// retag keeps new tags; if they are others, the revision goes up.
func (r *request) retag(o tagged, tags []string) {
	if slices.Equal(o.Tags, tags) {
		return
	}
	o.Tags = tags
	o.bump(r.now)
	o.keep(o.standard)
}

func getTags(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	return ok(object{"tags": o.Tags})
}

func getTag(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	if !slices.Contains(o.Tags, r.PathValue("t")) {
		return answer{}, notFound("TagNotFound", "Tag %s could not be found.", r.PathValue("t"))
	}
	return done(http.StatusNoContent)
}

func replaceTags(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	var in struct{ Tags []string }
	if err := json.Unmarshal(r.body, &in); err != nil || in.Tags == nil {
		return answer{}, badBody("Invalid tags body.")
	}
	slices.Sort(in.Tags)
	tags := slices.Compact(in.Tags)
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return answer{}, err
		}
	}
	r.retag(o, tags)
	return ok(object{"tags": tags})
}

func checkTag(t string) error {
	if len(t) > 255 {
		return invalid("'%s' exceeds maximum length of 255", t)
	}
	return nil
}

func addTag(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	if err := checkTag(r.PathValue("t")); err != nil {
		return answer{}, err
	}
	if !slices.Contains(o.Tags, r.PathValue("t")) {
		r.retag(o, append(slices.Clone(o.Tags), r.PathValue("t")))
	}
	return done(http.StatusCreated)
}

func removeTag(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	at := slices.Index(o.Tags, r.PathValue("t"))
	if at < 0 {
		return answer{}, notFound("TagNotFound", "Tag %s could not be found.", r.PathValue("t"))
	}
	r.retag(o, slices.Delete(slices.Clone(o.Tags), at, at+1))
	return done(http.StatusNoContent)
}

func clearTags(r *request) (answer, error) {
	o, err := r.taggedObject()
	if err != nil {
		return answer{}, err
	}
	r.retag(o, []string{})
	return done(http.StatusNoContent)
}
