package openstack_test

import (
	"net/netip"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/openstack"
)

const (
	serverID   = "bcc47ce0-2444-4c0a-8d73-6cff822a279b"
	serverJSON = `{"id": "` + serverID + `", "name": "b.1", "status": "ACTIVE", "OS-EXT-STS:task_state": null, "hostId": "h", "locked": true,
		"addresses": {"z": [{"addr": "10.1.0.5", "version": 4, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:02"}],
			"a": [{"addr": "2001:db8::5", "version": 6, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"},
				{"addr": "203.0.113.10", "version": 4, "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}]}}`
)

func TestServersAreFoundByExactNameOrID(t *testing.T) {
	const (
		byID = "GET /compute/v2.1/servers/" + serverID
		list = "GET /compute/v2.1/servers/detail"
	)
	found := openstack.Server{
		ID: serverID, Name: "b.1", Status: "ACTIVE", HostID: "h", Locked: true,
		Addresses: []openstack.Address{
			{Network: "a", IP: netip.MustParseAddr("2001:db8::5"), MAC: "fa:16:3e:00:00:01"},
			{Network: "a", IP: netip.MustParseAddr("203.0.113.10"), MAC: "fa:16:3e:00:00:01", Floating: true},
			{Network: "z", IP: netip.MustParseAddr("10.1.0.5"), MAC: "fa:16:3e:00:00:02"},
		},
	}
	cases := map[string]struct {
		ref      string
		answers  map[string]answer
		requests []string
		want     []openstack.Server
	}{
		"by name, the dot being no wildcard and the case being of weight": {
			ref:      "b.1",
			answers:  map[string]answer{list: {status: 200, body: `{"servers": [` + serverJSON + `, {"id": "x", "name": "B.1"}]}`}},
			requests: []string{list + "?name=" + url.QueryEscape(`^b\.1$`)},
			want:     []openstack.Server{found},
		},
		"by ID": {
			ref:      serverID,
			answers:  map[string]answer{byID: {status: 200, body: `{"server": ` + serverJSON + `}`}},
			requests: []string{byID},
			want:     []openstack.Server{found},
		},
		"by a name that looks like an ID": {
			ref:      serverID,
			answers:  map[string]answer{byID: {status: 404, body: `{"itemNotFound": {"message": "no", "code": 404}}`}, list: {status: 200, body: `{"servers": []}`}},
			requests: []string{byID, list + "?name=" + url.QueryEscape("^"+serverID+"$")},
			want:     []openstack.Server{},
		},
		"a bar stays as it is": {
			ref:      "a|b",
			answers:  map[string]answer{list: {status: 200, body: `{"servers": []}`}},
			requests: []string{list + "?name=" + url.QueryEscape("^a|b$")},
			want:     []openstack.Server{},
		},
		"nothing is looked for": {},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			for request, a := range tc.answers {
				c.on(request, a)
			}
			before := len(c.calls)
			got, err := client.Servers(t.Context(), tc.ref)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.requests, c.since(before)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if len(got)+len(tc.want) > 0 {
				if diff := cmp.Diff(tc.want, got, compareAddrs); diff != "" {
					t.Errorf("servers (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestOldNovaIsAskedWithoutAMicroversionOnceItRefusedOne(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /compute/v2.1/servers/"+serverID,
		answer{status: 406, body: `{"computeFault": {"message": "Version 2.9 is not supported by the API.", "code": 406}}`},
		answer{status: 200, body: `{"server": ` + serverJSON + `}`})
	before := len(c.calls)
	for range 2 {
		if _, err := client.Server(t.Context(), serverID); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, call := range c.calls[before:] {
		got = append(got, call.Header.Get("X-OpenStack-Nova-API-Version"))
	}
	if diff := cmp.Diff([]string{"2.9", "", ""}, got); diff != "" {
		t.Errorf("microversions (-want +got):\n%s", diff)
	}
}

func TestConsoleIsReadWhole(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("POST /compute/v2.1/servers/"+serverID+"/action", answer{status: 200, body: `{"output": "line 1\nline 2\n"}`})
	got, err := client.ConsoleOutput(t.Context(), serverID)
	if err != nil || got != "line 1\nline 2\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if diff := cmp.Diff(parse(t, `{"os-getConsoleOutput": {}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}
