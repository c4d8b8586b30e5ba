package main

import (
	"fmt"
	"testing"
)

// What stands in the way in the cloud is found before anything is touched.
func TestRefusesWhatTheCloudHas(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "a server that there is not",
			run:  "create -f bastion.yaml --server bastion-1 --server bastion-7 --yes",
			code: 4,
			says: `
error: server bastion-7: no such server in this project
hint: openstack server list shows what there is
`,
		},
		{
			name: "a name that two servers have",
			bend: func(w *world) { w.addServer("bastion-2") },
			code: 4,
			says: `
error: server bastion-2 matches 2 servers
  bastion-2  {new bastion-2}  ACTIVE   10.0.0.12
  bastion-2  {bastion-2}  ACTIVE   10.0.0.11
hint: use the ID, or --server {new bastion-2}
`,
		},
		{
			name: "one server by name and by ID",
			bend: func(w *world) { w.edit("bastion.yaml", "bastion-1, bastion-2", "bastion-1, "+w.server("bastion-1").ID) },
			code: 4,
			says: `
error: server {bastion-1} is the same server as "bastion-1"
  bastion-1  {bastion-1}  ACTIVE   10.0.0.10
hint: name each member once
`,
		},
		{
			name: "a server that is shut off",
			bend: func(w *world) { w.act("bastion-2", object{"os-stop": nil}) },
			code: 4,
			says: `
error: server bastion-2 is shut off
hint: openstack server start {bastion-2}
`,
		},
		{
			name: "a server in error",
			bend: func(w *world) { w.act("bastion-2", object{"os-resetState": object{"state": "error"}}) },
			code: 4,
			says: `
error: server bastion-2 is in status ERROR
hint: openstack server show {bastion-2} tells why; or leave it out
`,
		},
		{
			name: "a server that is paused",
			bend: func(w *world) { w.act("bastion-2", object{"pause": nil}) },
			code: 4,
			says: `
error: server bastion-2 is in status PAUSED, not ACTIVE
hint: openstack server unpause {bastion-2}
`,
		},
		{
			name: "a network that there is not",
			run:  "create -f bastion.yaml --network intern --yes",
			code: 4,
			says: `
error: network intern: no such network, or it is not ours to see
hint: openstack network list shows what there is
`,
		},
		{
			name: "a name that two networks have",
			bend: func(w *world) { w.addNetwork("internal", "10.1.0.0/24") },
			code: 4,
			says: `
error: network internal matches 2 networks
  internal  {new internal}
  internal  {internal}
hint: use the ID in vips[0].network
`,
		},
		{
			name: "a network without a subnet",
			bend: func(w *world) { w.addNetwork("empty", "") },
			run:  "create -f bastion.yaml --network empty --yes",
			code: 4,
			says: `
error: network empty has no subnet, or none that is ours to see
hint: openstack subnet create --network {new empty} --subnet-range CIDR NAME, or choose another network
`,
		},
		{
			name: "a subnet that there is not",
			run:  "create -f bastion.yaml --subnet internal-v9 --yes",
			code: 4,
			says: `
error: subnet internal-v9: no such subnet with the members' ports in network internal
  internal-v4  {internal-v4}  10.0.0.0/24
hint: name one of those, or leave the subnet out
`,
		},
		{
			name: "a VIP outside of the subnet",
			run:  "create -f bastion.yaml --address 10.0.1.136 --yes",
			code: 4,
			says: `
error: vips[0].address: 10.0.1.136 is in no subnet of network internal
  internal-v4  {internal-v4}  10.0.0.0/24
hint: choose an address of one of those, or leave it out and Neutron allocates one
`,
		},
		{
			name: "a VIP that is the gateway",
			run:  "create -f bastion.yaml --address 10.0.0.1 --yes",
			code: 4,
			says: `
error: vips[0].address: 10.0.0.1 is the gateway of subnet internal-v4
hint: leave the address out and Neutron allocates a free one
`,
		},
		{
			name: "a VIP that is the network's address",
			run:  "create -f bastion.yaml --address 10.0.0.0 --yes",
			code: 4,
			says: `
error: vips[0].address: 10.0.0.0 is the network address of 10.0.0.0/24
hint: leave the address out and Neutron allocates a free one
`,
		},
		{
			name: "a VIP that is the broadcast address",
			run:  "create -f bastion.yaml --address 10.0.0.255 --yes",
			code: 4,
			says: `
error: vips[0].address: 10.0.0.255 is the broadcast address of 10.0.0.0/24
hint: leave the address out and Neutron allocates a free one
`,
		},
		{
			name: "a VIP that is a member's own address",
			bend: func(w *world) { w.edit("bastion.yaml", "10.0.0.136", w.server("bastion-2").Address.String()) },
			code: 4,
			says: `
error: vips[0].address: 10.0.0.11 is in use by port {port of bastion-2} of server bastion-2
hint: leave the address out and Neutron allocates a free one
`,
		},
		{
			name: "a VIP that another port has",
			bend: func(w *world) { w.addPort("web", "10.0.0.136") },
			code: 4,
			says: `
error: vips[0].address: 10.0.0.136 is in use by port web ({new web}) of nobody (no device)
hint: leave the address out and Neutron allocates a free one
`,
		},
		{
			name: "a server without a port in the subnet",
			bend: func(w *world) { w.detach("bastion-2") },
			code: 4,
			says: `
error: server bastion-2 has no port in subnet internal-v4 (10.0.0.0/24)
hint: openstack server add network {bastion-2} {internal}, or choose the subnet of its port
`,
		},
		{
			name: "a server with two ports in the subnet",
			bend: func(w *world) { w.attach("bastion-2", w.addPort("second", "10.0.0.77")) },
			code: 4,
			says: `
error: server bastion-2 has 2 ports in subnet internal-v4 (10.0.0.0/24)
  {new second}  10.0.0.77  {MAC of second}
  {port of bastion-2}  10.0.0.11  {MAC of bastion-2}
hint: choose one: --server bastion-2={new second}
`,
		},
		{
			name: "a port that the server does not have",
			run:  "create -f bastion.yaml --server bastion-1 --server bastion-2=web --yes",
			code: 4,
			says: `
error: server bastion-2: port web is not one of its ports in subnet internal-v4 (10.0.0.0/24)
  {port of bastion-2}  10.0.0.11  {MAC of bastion-2}
hint: name one of those, or leave the port out
`,
		},
		{
			name: "a port without port security",
			bend: func(w *world) {
				w.setPort("bastion-2", object{"security_groups": []string{}, "port_security_enabled": false})
			},
			code: 4,
			says: `
error: server bastion-2: port security is off on port {port of bastion-2}: Neutron refuses address pairs there
hint: openstack port set --enable-port-security {port of bastion-2}
`,
		},
		{
			name: "a port with as many address pairs as Neutron allows",
			bend: func(w *world) {
				var pairs []object
				for i := range 10 {
					pairs = append(pairs, object{"ip_address": fmt.Sprintf("10.0.0.%d", 200+i)})
				}
				w.setPort("bastion-2", object{"allowed_address_pairs": pairs})
			},
			code: 4,
			says: `
error: server bastion-2: port {port of bastion-2} has 10 address pairs, and Neutron's default limit is 10
hint: take one off that is not needed: openstack port show {port of bastion-2}
  where this cloud allows more, add the VIP's yourself and repeat: openstack port set --allowed-address ip-address=10.0.0.136 {port of bastion-2}
`,
		},
		{
			name: "a port that bypasses Neutron",
			bend: func(w *world) { w.setPort("bastion-2", object{"binding:vnic_type": "direct"}) },
			code: 4,
			says: `
error: server bastion-2: port {port of bastion-2} is of type direct: it bypasses Neutron's data path, the VIP would not reach it
hint: use a port of type normal
`,
		},
		{
			name: "a floating IP that is not ours",
			run:  "create -f bastion.yaml --floating-ip 203.0.113.200 --yes",
			code: 4,
			says: `
error: floating ip 203.0.113.200 is not one of this project's
  203.0.113.11  unattached
hint: use one of those, or {network: NAME} to allocate one
`,
		},
		{
			name: "a floating IP that is in use",
			bend: func(w *world) {
				w.cloud.Demo().Put(neutron+"floatingips/"+w.site.FloatingIPIDs[0], object{"floatingip": object{"port_id": w.server("bastion-1").Port}})
			},
			code: 4,
			says: `
error: floating ip 203.0.113.11 is attached to 10.0.0.10 of server bastion-1
hint: --move-floating-ip takes it from there, last of all
`,
		},
		{
			name: "a floating IP from a network that is not external",
			run:  "create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip-from internal --yes",
			code: 4,
			says: `
error: network internal is not an external network: no floating IP can come from it
  public  {public}
hint: use one of those; openstack network list --external shows them
`,
		},
		{
			name: "a floating IP without a router",
			bend: func(w *world) {
				w.cloud.Demo().Put(neutron+"routers/"+w.site.Router+"/remove_router_interface", object{"subnet_id": w.site.Subnet})
			},
			code: 4,
			says: `
error: subnet internal-v4 (10.0.0.0/24): no router joins it with the external network {public}
hint: openstack router add subnet ROUTER {internal-v4}, with a router whose gateway is {public}
`,
		},
		{
			name: "a floating IP of another external network than the router's",
			bend: func(w *world) { w.addExternal("partners", "198.51.100.0/24") },
			run:  "create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip-from partners --yes",
			code: 4,
			says: `
error: subnet internal-v4 (10.0.0.0/24): no router joins it with the external network partners
  main  {main}
hint: openstack router add subnet ROUTER {internal-v4}, with a router whose gateway is partners
`,
		},
		{
			name: "no ports left in the quota",
			bend: func(w *world) { w.quotaUsedUp("port") },
			code: 4,
			says: `
error: quota for ports: 1 more needed, 3 of 3 used
hint: delete what is not needed, or ask the cloud's operator for more
`,
		},
		{
			name: "no security groups left in the quota",
			bend: func(w *world) { w.quotaUsedUp("security_group") },
			code: 4,
			says: `
error: quota for security groups: 1 more needed, 1 of 1 used
hint: delete what is not needed, or ask the cloud's operator for more
`,
		},
		{
			name: "no floating IPs left in the quota",
			bend: func(w *world) { w.quotaUsedUp("floatingip") },
			run:  "create bastion --server bastion-1 --server bastion-2 --network internal --floating-ip-from public --yes",
			code: 4,
			says: `
error: quota for floating ips: 1 more needed, 1 of 1 used
hint: delete what is not needed, or ask the cloud's operator for more
`,
		},
		{
			name: "a Neutron without address pairs",
			bend: func(w *world) { w.lacks("allowed-address-pairs") },
			code: 4,
			says: `
error: extension allowed-address-pairs: Neutron does not have it: no port can hold a second address
hint: ask the cloud's operator for it
`,
		},
		{
			name: "a Neutron without tags",
			bend: func(w *world) { w.lacks("standard-attr-tag") },
			code: 4,
			says: `
error: extension standard-attr-tag: Neutron does not have it: havip could not find again what it made
hint: ask the cloud's operator for it
`,
		},
		{
			name: "the VRID of another group",
			bend: func(w *world) { w.addVIPPort("web", 51, "10.0.0.150") },
			run:  "create -f bastion.yaml --vrid 51 --yes",
			code: 4,
			says: `
error: vrrp.id: 51 is taken by group web on that network
hint: choose another, or auto
`,
		},
		{
			name: "Neutron forbids a look",
			bend: func(w *world) {
				w.fails(neutron+"ports", 403, `{"NeutronError": {"type": "PolicyNotAuthorized", "message": "rule:get_port is disallowed by policy", "detail": ""}}`)
			},
			code: 1,
			says: `
error: list ports: rule:get_port is disallowed by policy (HTTP 403)
hint: your role in this project does not allow it: ask the cloud's operators, naming the rule above
`,
		},
		{
			name: "Neutron breaks",
			bend: func(w *world) {
				w.fails(neutron+"ports", 500, `{"NeutronError": {"type": "HTTPInternalServerError", "message": "Request Failed: internal server error while processing your request.", "detail": ""}}`)
			},
			code: 1,
			says: `
error: list ports: Request Failed: internal server error while processing your request (HTTP 500)
hint: the cloud failed: run the command again, and if that does not help ask its operators
`,
		},
		{
			name: "Neutron is down",
			bend: func(w *world) {
				w.fails(neutron+"ports", 503, "<html>No server is available to handle this request.</html>")
			},
			code: 1,
			says: `
error: list ports: service unavailable (HTTP 503)
hint: the cloud is in trouble: run the command again later
`,
		},
		{
			name: "Nova is down",
			bend: func(w *world) {
				id := w.server("bastion-2").ID
				w.edit("bastion.yaml", "bastion-2", id)
				w.fails("/compute/v2.1/servers/"+id, 503, "")
			},
			code: 1,
			says: `
error: read server "{bastion-2}": Service Unavailable (HTTP 503)
hint: the cloud is in trouble: run the command again later
`,
		},
	})
}
