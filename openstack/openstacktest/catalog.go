package openstacktest

import (
	"net/http"
	"strings"
)

type flavor struct {
	ID, Name         string
	RAM, Disk, VCPUs int
}

// flavors are those of every cloud.
func flavors() []flavor {
	return []flavor{{"1", "m1.tiny", 512, 1, 1}, {"2", "m1.small", 2048, 20, 1}}
}

func flavorOf(id string) flavor {
	f, _ := lookUp(flavors(), func(f flavor) bool { return f.ID == id })
	return f
}

func (r *request) flavorBody(f flavor, detail bool) object {
	m := object{"id": f.ID, "name": f.Name, "links": r.links("/compute/v2.1/flavors/" + f.ID)}
	if detail {
		for k, v := range (object{
			"ram": f.RAM, "disk": f.Disk, "vcpus": f.VCPUs, "swap": "", "rxtx_factor": 1.0,
			"OS-FLV-EXT-DATA:ephemeral": 0, "OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": true,
		}) {
			m[k] = v
		}
	}
	return m
}

func listFlavors(r *request) (answer, error) {
	var all []object
	for _, f := range flavors() {
		all = append(all, r.flavorBody(f, strings.HasSuffix(r.URL.Path, "/detail")))
	}
	page, links, err := r.page("flavors", all, r.URL.Query(), 0)
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "", "marker not found")
	}
	body := object{"flavors": page}
	if links != nil {
		body["flavors_links"] = links
	}
	return ok(body)
}

func getFlavor(r *request) (answer, error) {
	f := flavorOf(r.PathValue("id"))
	if f.ID == "" {
		return answer{}, notFound("", "Flavor %s could not be found.", r.PathValue("id"))
	}
	return ok(object{"flavor": r.flavorBody(f, true)})
}

type image struct{ ID, Name string }

// imageOf is the one image there is.
func imageOf() image { return image{"1a6e0deb-0000-4000-8000-00000000000a", "debian"} }

// routeImages serves as much of Glance v2 as finds an image.
func (c *Cloud) routeImages() {
	s := service{(*refusal).keystoneBody}
	versions := func(w http.ResponseWriter, r *http.Request) {
		body := object{"versions": []object{{"id": "v2.9", "status": "CURRENT", "links": []object{{"rel": "self", "href": c.base(r) + "/image/v2/"}}}}}
		c.reply(w, s, answer{status: http.StatusMultipleChoices, body: body}, nil)
	}
	c.routes.HandleFunc("GET /image", versions)
	c.routes.HandleFunc("GET /image/{$}", versions)
	c.handle(s, "GET /image/v2/images", func(r *request) (answer, error) {
		out := []object{}
		if name := r.URL.Query().Get("name"); (name == "" || name == imageOf().Name) && r.URL.Query().Get("marker") == "" {
			out = append(out, imageBody())
		}
		return ok(object{"images": out, "first": "/v2/images", "schema": "/v2/schemas/images"})
	})
	c.handle(s, "GET /image/v2/images/{id}", func(r *request) (answer, error) {
		if r.PathValue("id") != imageOf().ID {
			return answer{}, refuse(http.StatusNotFound, "", "No image found with ID %s", r.PathValue("id"))
		}
		return ok(imageBody())
	})
	c.handle(s, "/image/", func(*request) (answer, error) {
		return answer{}, refuse(http.StatusNotFound, "", "The resource could not be found.")
	})
}

func imageBody() object {
	i := imageOf()
	return object{
		"id": i.ID, "name": i.Name, "status": "active", "visibility": "public", "protected": false, "os_hidden": false,
		"container_format": "bare", "disk_format": "qcow2", "size": 1 << 20, "min_disk": 0, "min_ram": 0, "tags": []string{},
		"created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "self": "/v2/images/" + i.ID,
		"file": "/v2/images/" + i.ID + "/file", "schema": "/v2/schemas/image", "owner": "", "checksum": "",
	}
}
