package contract

import (
	"fmt"
	"net/http"
)

// server reads the one server, with a microversion if one is named.
func (c *call) server(version ...string) object {
	c.Helper()
	header := []string{}
	if len(version) > 0 {
		header = []string{"X-OpenStack-Nova-API-Version", version[0]}
	}
	return c.do("GET", c.w.Compute+"/servers/"+c.w.server, nil, header...).object()
}

func (c *call) act(name string, value any) reply {
	c.Helper()
	return c.do("POST", c.w.Compute+"/servers/"+c.w.server+"/action", object{name: value})
}

// becomes waits for a status without a task.
func (c *call) becomes(status string) {
	c.Helper()
	c.eventually("the server becomes "+status, func() bool {
		s := c.server()
		if s["status"] == "ERROR" && status != "ERROR" {
			c.Fatalf("the server is in error: %v", s["fault"])
		}
		return s["status"] == status && s["OS-EXT-STS:task_state"] == nil
	})
}

func servers() []rule {
	return []rule{
		{"a server's port is bound to it and becomes ACTIVE", func(c *call) {
			c.becomes("ACTIVE")
			c.eventually("the port is ACTIVE", func() bool { return c.read("ports", c.w.serverPort)["status"] == "ACTIVE" })
			p := c.read("ports", c.w.serverPort)
			c.want(p, "device_id", c.w.server)
			c.want(p, "device_owner", "compute:nova")
			l := c.do("GET", c.w.Compute+"/servers/"+c.w.server+"/os-interface", nil).list()
			if len(l) != 1 || l[0]["port_id"] != c.w.serverPort || l[0]["mac_addr"] != p["mac_address"] {
				c.Errorf("interfaces are %v", l)
			}
		}},
		{"a port that a server has is not given to another", func(c *call) {
			c.do("POST", c.w.Compute+"/servers", object{"server": object{
				"name": c.w.name, "imageRef": c.w.Image, "flavorRef": c.w.Flavor, "networks": []object{{"port": c.w.serverPort}},
			}}).refused(http.StatusConflict, "conflictingRequest")
		}},
		{"whether a server is locked is shown from 2.9 on", func(c *call) {
			c.want(c.server("2.9"), "locked", false)
			if _, shown := c.server("2.8")["locked"]; shown {
				c.Error("2.8 shows it")
			}
			if s := c.server(); fmt.Sprint(s["hostId"]) == "" {
				c.Error("a member sees no hostId")
			}
		}},
		{"a server is found by a regular expression on its name", func(c *call) {
			for pattern, want := range map[string]int{"%5E" + c.w.name + "%24": 1, "%5E" + c.w.name + "x%24": 0} {
				if l := c.do("GET", c.w.Compute+"/servers/detail?name="+pattern, nil).list(); len(l) != want {
					c.Errorf("%s finds %d servers, want %d", pattern, len(l), want)
				}
			}
		}},
		{"a server's addresses show its fixed and its floating ones", func(c *call) {
			f := c.make("floatingips", "floatingip", object{"floating_network_id": c.w.External, "port_id": c.w.serverPort})
			c.eventually("the floating IP is shown", func() bool {
				addresses, _ := c.server()["addresses"].(object)
				for _, a := range entries(addresses, c.w.name) {
					if a["OS-EXT-IPS:type"] == "floating" && a["addr"] == f["floating_ip_address"] {
						return true
					}
				}
				return false
			})
		}},
		{"a running server is not started, and no server rebooted in an unknown way", func(c *call) {
			c.act("os-start", nil).refused(http.StatusConflict, "conflictingRequest")
			c.act("unpause", nil).refused(http.StatusConflict, "conflictingRequest")
			c.act("reboot", object{"type": "GENTLE"}).refused(http.StatusBadRequest, "badRequest")
		}},
		{"a locked server is not stopped, not even by who locked it", func(c *call) {
			c.act("lock", nil).ok()
			c.want(c.server("2.9"), "locked", true)
			c.act("os-stop", nil).refused(http.StatusConflict, "conflictingRequest")
			c.act("unlock", nil).ok()
			c.want(c.server("2.9"), "locked", false)
		}},
		{"a paused server is PAUSED and goes on", func(c *call) {
			c.act("pause", nil).ok()
			c.becomes("PAUSED")
			c.act("os-stop", nil).refused(http.StatusConflict, "conflictingRequest")
			c.act("unpause", nil).ok()
			c.becomes("ACTIVE")
		}},
		{"a stopped server is SHUTOFF, is not stopped again, and starts", func(c *call) {
			c.act("os-stop", nil).ok()
			c.becomes("SHUTOFF")
			c.act("os-stop", nil).refused(http.StatusConflict, "conflictingRequest")
			c.act("reboot", object{"type": "SOFT"}).refused(http.StatusConflict, "conflictingRequest")
			c.act("os-start", nil).ok()
			c.becomes("ACTIVE")
		}},
		{"a console has output, as many lines as are asked for", func(c *call) {
			r := c.act("os-getConsoleOutput", object{"length": 1}).ok()
			if _, found := r.body["output"].(string); !found {
				c.Errorf("console is %v", r.body)
			}
		}},
		{"a port that a server was given outlives it", func(c *call) {
			c.do("DELETE", c.w.Compute+"/servers/"+c.w.server, nil).ok()
			c.eventually("the server is gone", func() bool {
				return c.do("GET", c.w.Compute+"/servers/"+c.w.server, nil).status == http.StatusNotFound
			})
			p := c.read("ports", c.w.serverPort)
			c.want(p, "device_id", "")
			c.want(p, "status", "DOWN")
		}},
	}
}
