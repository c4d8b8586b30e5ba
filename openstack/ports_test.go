package openstack_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/openstack"
)

var compareAddrs = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

// fullPort is a port as Neutron writes it, with all extensions that matter.
const fullPort = `{"id": "port-1", "name": "n", "description": "d", "network_id": "net-1", "project_id": "p1", "tenant_id": "p1",
	"device_id": "srv-1", "device_owner": "compute:nova", "mac_address": "fa:16:3e:00:00:01", "status": "ACTIVE", "admin_state_up": true,
	"fixed_ips": [{"subnet_id": "sub-1", "ip_address": "10.0.0.5"}, {"subnet_id": "sub-2", "ip_address": "2001:db8::5"}],
	"allowed_address_pairs": [{"ip_address": "10.0.0.9/32", "mac_address": "fa:16:3e:00:00:01"}],
	"security_groups": ["sg-1"], "port_security_enabled": false, "binding:vnic_type": "direct",
	"trunk_details": {"trunk_id": "t1", "sub_ports": []}, "tags": ["a"], "revision_number": 7, "created_at": "2026-01-02T03:04:05Z"}`

func TestPortIsReadWithItsExtensions(t *testing.T) {
	cases := map[string]struct {
		body string
		want openstack.Port
	}{
		"all of them": {
			body: fullPort,
			want: openstack.Port{
				ID: "port-1", Name: "n", Description: "d", NetworkID: "net-1", ProjectID: "p1",
				DeviceID: "srv-1", DeviceOwner: "compute:nova", MAC: "fa:16:3e:00:00:01", Status: "ACTIVE", AdminUp: true,
				FixedIPs: []openstack.FixedIP{{SubnetID: "sub-1", IP: netip.MustParseAddr("10.0.0.5")}, {SubnetID: "sub-2", IP: netip.MustParseAddr("2001:db8::5")}},
				Pairs:    []openstack.AddressPair{{IP: "10.0.0.9/32", MAC: "fa:16:3e:00:00:01"}}, SecurityGroups: []string{"sg-1"},
				PortSecurity: false, VNICType: "direct", TrunkParent: true, Tags: []string{"a"}, Revision: 7,
				CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			},
		},
		"without the extension, port security counts as on": {
			body: `{"id": "port-1", "tenant_id": "p0", "created_at": "2016-01-02T03:04:05"}`,
			want: openstack.Port{ID: "port-1", ProjectID: "p0", PortSecurity: true, CreatedAt: time.Date(2016, 1, 2, 3, 4, 5, 0, time.UTC)},
		},
		"nulls count as absent": {
			body: `{"id": "port-1", "port_security_enabled": null, "trunk_details": null, "created_at": null, "description": null}`,
			want: openstack.Port{ID: "port-1", PortSecurity: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on("GET /network/v2.0/ports/port-1", answer{status: 200, body: `{"port": ` + tc.body + `}`})
			got, err := client.Port(t.Context(), "port-1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, compareAddrs); diff != "" {
				t.Errorf("port (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllPagesOfPortsAreRead(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	page := func(id, next string) answer {
		links := ""
		if next != "" {
			links = `, "ports_links": [{"rel": "next", "href": "CLOUD/network/v2.0/ports?` + next + `"}]`
		}
		return answer{status: 200, body: `{"ports": [{"id": "` + id + `"}]` + links + `}`}
	}
	c.on("GET /network/v2.0/ports", page("a", "network_id=net-1&marker=a"), page("b", "network_id=net-1&marker=b"), page("c", ""))
	before := len(c.calls)
	got, err := client.Ports(t.Context(), openstack.PortFilter{NetworkID: "net-1"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, ids); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	want := []string{
		"GET /network/v2.0/ports?network_id=net-1",
		"GET /network/v2.0/ports?network_id=net-1&marker=a",
		"GET /network/v2.0/ports?network_id=net-1&marker=b",
	}
	if diff := cmp.Diff(want, c.since(before)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestPortsAreFilteredByTheCloud(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/ports", answer{status: 200, body: `{"ports": []}`})
	if _, err := client.Ports(t.Context(), openstack.PortFilter{Tags: []string{"havip", "havip:group=b"}, Name: "havip-b-v4"}); err != nil {
		t.Fatal(err)
	}
	if want := "GET /network/v2.0/ports?name=havip-b-v4&tags=havip%2Chavip%3Agroup%3Db"; c.last().String() != want {
		t.Errorf("got  %s\nwant %s", c.last(), want)
	}
}

func TestPortsOfTheProjectAloneCanBeAskedFor(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/ports", answer{status: 200, body: `{"ports": []}`})
	for own, want := range map[bool]string{true: "name=havip-b-v4&project_id=" + client.Identity().ProjectID, false: "name=havip-b-v4"} {
		if _, err := client.Ports(t.Context(), openstack.PortFilter{Name: "havip-b-v4", Own: own}); err != nil {
			t.Fatal(err)
		}
		if got := c.last().Query; got != want {
			t.Errorf("own %v: got %s, want %s", own, got, want)
		}
	}
}

func TestPortsOfASecurityGroupAreFilteredAlsoWhereTheCloudDoesNot(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("GET /network/v2.0/ports", answer{status: 200, body: `{"ports": [{"id": "in", "security_groups": ["sg-0", "sg-1"]}, {"id": "out", "security_groups": ["sg-0"]}]}`})
	got, err := client.Ports(t.Context(), openstack.PortFilter{SecurityGroup: "sg-1"})
	if err != nil || len(got) != 1 || got[0].ID != "in" {
		t.Errorf("ports %v, %v; want only the one in the group", got, err)
	}
	if want := "GET /network/v2.0/ports?security_groups=sg-1"; c.last().String() != want {
		t.Errorf("got  %s\nwant %s", c.last(), want)
	}
}

func TestPortIsCreatedWithoutSecurityGroups(t *testing.T) {
	cases := map[string]struct {
		create openstack.PortCreate
		want   string
	}{
		"with an address": {
			create: openstack.PortCreate{Name: "v", Description: "d", NetworkID: "net-1", SubnetID: "sub-1", Address: netip.MustParseAddr("10.0.0.136")},
			want:   `{"port": {"name": "v", "description": "d", "network_id": "net-1", "security_groups": [], "fixed_ips": [{"subnet_id": "sub-1", "ip_address": "10.0.0.136"}]}}`,
		},
		"with an address of Neutron's choice": {
			create: openstack.PortCreate{Name: "v", NetworkID: "net-1", SubnetID: "sub-1"},
			want:   `{"port": {"name": "v", "network_id": "net-1", "security_groups": [], "fixed_ips": [{"subnet_id": "sub-1"}]}}`,
		},
		"with a device owner": {
			create: openstack.PortCreate{Name: "v", NetworkID: "net-1", DeviceOwner: "neutron:VIP_PORT"},
			want:   `{"port": {"name": "v", "network_id": "net-1", "security_groups": [], "device_owner": "neutron:VIP_PORT"}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on("POST /network/v2.0/ports", answer{status: 201, body: `{"port": ` + fullPort + `}`})
			if _, err := client.CreatePort(t.Context(), tc.create); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, tc.want), parse(t, c.last().Body)); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPortIsUpdatedOnlyAtItsRevision(t *testing.T) {
	cases := map[string]struct {
		revision int
		update   openstack.PortUpdate
		want     string
		ifMatch  string
	}{
		"pairs and groups in one request": {
			revision: 7,
			update: openstack.PortUpdate{
				Pairs:          &[]openstack.AddressPair{{IP: "10.0.0.9/32", MAC: "fa:16:3e:00:00:01"}, openstack.PairOf(netip.MustParseAddr("10.0.0.136"))},
				SecurityGroups: &[]string{"sg-1", "sg-2"},
			},
			want:    `{"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.9/32", "mac_address": "fa:16:3e:00:00:01"}, {"ip_address": "10.0.0.136"}], "security_groups": ["sg-1", "sg-2"]}}`,
			ifMatch: "revision_number=7",
		},
		"empty lists take everything off": {
			revision: 8,
			update:   openstack.PortUpdate{Pairs: &[]openstack.AddressPair{}, SecurityGroups: &[]string{}},
			want:     `{"port": {"allowed_address_pairs": [], "security_groups": []}}`,
			ifMatch:  "revision_number=8",
		},
		"nil lists stay, and revision 0 is one too": {
			revision: 0,
			update:   openstack.PortUpdate{SecurityGroups: &[]string{"sg-1"}},
			want:     `{"port": {"security_groups": ["sg-1"]}}`,
			ifMatch:  "revision_number=0",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			client := c.connect(t)
			c.on("PUT /network/v2.0/ports/port-1", answer{status: 200, body: `{"port": ` + fullPort + `}`})
			if _, err := client.UpdatePort(t.Context(), "port-1", tc.revision, tc.update); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, tc.want), parse(t, c.last().Body)); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if got := c.last().Header.Get("If-Match"); got != tc.ifMatch {
				t.Errorf("If-Match is %q, want %q", got, tc.ifMatch)
			}
		})
	}
}

func TestUpdateOfAPortThatChangedMeanwhileIsAConflict(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("PUT /network/v2.0/ports/port-1", answer{
		status: 412,
		body:   `{"NeutronError": {"type": "RevisionNumberConstraintFailed", "message": "Constrained to 6, but current revision is 7", "detail": ""}}`,
	})
	_, err := client.UpdatePort(t.Context(), "port-1", 6, openstack.PortUpdate{SecurityGroups: &[]string{}})
	if !errors.Is(err, openstack.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestDescriptionIsChangedAtAnyRevision(t *testing.T) {
	c := newCloud(t)
	client := c.connect(t)
	c.on("PUT /network/v2.0/ports/port-1", answer{status: 200, body: `{"port": ` + fullPort + `}`})
	if err := client.DescribePort(t.Context(), "port-1", ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, `{"port": {"description": ""}}`), parse(t, c.last().Body)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if got, ok := c.last().Header["If-Match"]; ok {
		t.Errorf("If-Match is %q", got)
	}
}

func TestPairIsWrittenBare(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.136":        "10.0.0.136",
		"::ffff:10.0.0.136": "10.0.0.136",
		"2001:DB8:0::1":     "2001:db8::1",
		"fe80::1%eth0":      "fe80::1",
	} {
		if got := openstack.PairOf(netip.MustParseAddr(in)); got != (openstack.AddressPair{IP: want}) {
			t.Errorf("pair of %s is %+v, want the address %s alone", in, got, want)
		}
	}
}
