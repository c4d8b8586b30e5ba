package contract

import "net/http"

func refusals() []rule {
	return []rule{
		{"without a valid token the answer is Keystone's 401", func(c *call) {
			for _, path := range []string{"/ports", c.w.Compute + "/servers"} {
				r := c.do("GET", path, nil, "X-Auth-Token", "no-such-token")
				r.refused(http.StatusUnauthorized, "error")
				if r.header.Get("WWW-Authenticate") == "" {
					c.Error("no WWW-Authenticate")
				}
			}
		}},
		{"a microversion that Nova does not know is not acceptable", func(c *call) {
			c.do("GET", c.w.Compute+"/servers", nil, "X-OpenStack-Nova-API-Version", "2.9999").refused(http.StatusNotAcceptable, "computeFault")
		}},
		{"an unknown server is not found", func(c *call) {
			c.do("GET", c.w.Compute+"/servers/"+unknown, nil).refused(http.StatusNotFound, "itemNotFound")
		}},
		{"a server of an unknown image, flavor or network is refused", func(c *call) {
			for _, b := range []object{
				{"imageRef": unknown, "flavorRef": c.w.Flavor, "networks": []object{{"uuid": c.w.network}}},
				{"imageRef": c.w.Image, "flavorRef": "no-such-flavor", "networks": []object{{"uuid": c.w.network}}},
				{"imageRef": c.w.Image, "flavorRef": c.w.Flavor, "networks": []object{{"uuid": unknown}}},
				{"imageRef": c.w.Image, "flavorRef": c.w.Flavor, "networks": []object{{"port": unknown}}},
				{"imageRef": c.w.Image, "flavorRef": c.w.Flavor, "networks": []object{{"uuid": c.w.network}}, "key_name": "no-such-key"},
			} {
				b["name"] = c.w.name
				c.do("POST", c.w.Compute+"/servers", object{"server": b}).refused(http.StatusBadRequest, "badRequest")
			}
		}},
	}
}
