package openstacktest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// routeCompute serves Nova v2.1.
func (c *Cloud) routeCompute() {
	s := service{(*refusal).novaBody}
	const v2 = "/compute/v2.1"
	for _, path := range []string{"/compute", "/compute/{$}"} {
		c.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			c.reply(w, s, answer{status: http.StatusOK, body: object{"versions": []object{c.novaVersion(r)}}}, nil)
		})
	}
	for _, path := range []string{v2, v2 + "/{$}"} {
		c.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			c.reply(w, s, answer{status: http.StatusOK, body: object{"version": c.novaVersion(r)}}, nil)
		})
	}
	for pattern, h := range map[string]handler{
		"GET /servers": listServers, "GET /servers/detail": listServers, "POST /servers": createServer,
		"GET /servers/{id}": getServer, "PUT /servers/{id}": updateServer, "DELETE /servers/{id}": deleteServer,
		"POST /servers/{id}/action":      serverAction,
		"GET /servers/{id}/os-interface": listInterfaces, "POST /servers/{id}/os-interface": attachInterface,
		"GET /servers/{id}/os-interface/{port}": getInterface, "DELETE /servers/{id}/os-interface/{port}": detachInterface,
		"GET /servers/{id}/os-security-groups":    listServerGroups,
		"GET /servers/{id}/os-volume_attachments": func(*request) (answer, error) { return ok(object{"volumeAttachments": []object{}}) },
		"GET /servers/{id}/os-instance-actions":   func(*request) (answer, error) { return ok(object{"instanceActions": []object{}}) },
		"GET /flavors":                            listFlavors, "GET /flavors/detail": listFlavors, "GET /flavors/{id}": getFlavor,
		"GET /flavors/{id}/os-extra_specs": func(*request) (answer, error) { return ok(object{"extra_specs": object{}}) },
		"GET /os-keypairs":                 listKeypairs, "POST /os-keypairs": createKeypair,
		"GET /os-keypairs/{name}": getKeypair, "DELETE /os-keypairs/{name}": deleteKeypair,
		"GET /os-server-groups": listHostGroups, "POST /os-server-groups": createHostGroup,
		"GET /os-server-groups/{id}": getHostGroup, "DELETE /os-server-groups/{id}": deleteHostGroup,
		"GET /os-availability-zone": listZones, "GET /os-availability-zone/detail": listZones,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		c.handle(s, method+" "+v2+path, func(r *request) (answer, error) {
			minor, err := r.microversion()
			if err != nil {
				return answer{}, err
			}
			a, err := h(r)
			version := fmt.Sprintf("2.%d", minor)
			a.header = map[string]string{"OpenStack-API-Version": "compute " + version, "X-OpenStack-Nova-API-Version": version}
			return a, err
		})
	}
	c.handle(s, "/compute/", func(*request) (answer, error) {
		return answer{}, notFound("itemNotFound", "The resource could not be found.")
	})
}

func (c *Cloud) novaVersion(r *http.Request) object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return object{
		"id": "v2.1", "status": "CURRENT", "version": fmt.Sprintf("2.%d", c.rules.newest), "min_version": "2.1",
		"updated": "2013-07-23T11:33:21Z", "links": []object{{"rel": "self", "href": c.base(r) + "/compute/v2.1/"}},
		"media-types": []object{{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}},
	}
}

func listZones(*request) (answer, error) {
	return ok(object{"availabilityZoneInfo": []object{{"zoneName": "nova", "zoneState": object{"available": true}, "hosts": nil}}})
}

// microversion is the minor one that a request asks for.
func (r *request) microversion() (int, error) {
	text := r.Header.Get("X-OpenStack-Nova-API-Version")
	if v, found := strings.CutPrefix(strings.TrimSpace(r.Header.Get("OpenStack-API-Version")), "compute "); found {
		text = strings.TrimSpace(v)
	}
	newest := r.cloud.rules.newest
	if text == "" {
		return 1, nil
	}
	if text == "latest" {
		return newest, nil
	}
	minor, found := strings.CutPrefix(text, "2.")
	n, err := strconv.Atoi(minor)
	if !found || err != nil {
		return 0, refuse(http.StatusBadRequest, "", "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", text)
	}
	if n < 1 || n > newest {
		return 0, refuse(http.StatusNotAcceptable, "", "Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", text, newest)
	}
	return n, nil
}

// version is the microversion of a request that has been let in.
func (r *request) version() int {
	n, _ := r.microversion()
	return n
}
