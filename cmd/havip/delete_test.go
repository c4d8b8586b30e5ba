package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/provision/plan"
)

// touched tells whether havip tried to change a server: those here refuse it.
func touched(stderr string) bool { return strings.Contains(stderr, "havip changes a server") }

// The SSH configuration maps the servers' names to machines that are not these
// servers, and have a group of the same name.
func TestNothingIsChangedOnAMachineThatIsNotTheServer(t *testing.T) {
	w := newWorld(t, false)
	w.made()
	for i, s := range w.site.Servers {
		w.hosts[s.Name].says("nic", "ens3", fmt.Sprintf("fa:16:3e:99:99:0%d", i))
		w.hosts[s.Name].says("addr", "ens3", fmt.Sprintf("192.168.77.%d/24", 10+i))
	}
	for _, tt := range []struct {
		run  string
		code int
	}{
		{"create -f bastion.yaml --yes", 4},
		{"switchover bastion --to bastion-2", 1},
		{"failover-test bastion --fault switchover --yes", 4},
		{"failover-test --restore bastion", 1},
		{"delete bastion --yes", 6},
	} {
		stdout, stderr, code := w.havip(strings.Fields(tt.run)...)
		if code != tt.code || touched(stderr) || !strings.Contains(stdout+stderr, "another machine") {
			t.Errorf("%s: exit %d, want %d\n%s%s", tt.run, code, tt.code, stdout, stderr)
		}
	}
}

// An admin sees the ports and servers of all projects: here those of a group of
// the same name on the same network.
func TestDeleteByAnAdminLeavesTheAgentsOfAnotherProject(t *testing.T) {
	w := newWorld(t, false)
	w.made() // demo's
	admin := w.cloud.Admin()
	vip := admin.Post(neutron+"ports", object{"port": object{
		"name": plan.VIPPortName("bastion", plan.IPv4), "description": plan.Description("bastion", 7),
		"network_id": w.site.Network, "fixed_ips": []object{{"subnet_id": w.site.Subnet, "ip_address": "10.0.0.140"}},
	}}).ID()
	for _, tag := range plan.VIPPortTags("bastion", 7) {
		admin.Put(neutron+"ports/"+vip+"/tags/"+tag, nil)
	}
	w.env["OS_CLOUD"] = "admin"
	stdout, stderr, code := w.havip("delete", "bastion", "--yes")
	if code != 0 || touched(stderr) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	var left []object
	admin.Get(neutron + "ports").Into(&left)
	marks := 0
	for _, p := range left {
		if p["id"] == vip {
			t.Error("the admin's own VIP port stays")
		}
		if strings.Contains(p["description"].(string), "havip:group=bastion") {
			marks++
		}
	}
	if marks != 1 {
		t.Errorf("%d VIP ports of the other project, want 1", marks)
	}
}

// The first port is joined and bears no tag yet when create ends.
func TestDeleteAfterACreateThatWasKilledLeavesNothing(t *testing.T) {
	w := newWorld(t, false)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	create := exec.CommandContext(ctx, "havip", "create", "-f", "bastion.yaml", "--yes")
	create.Dir = w.home
	for k, v := range w.env {
		create.Env = append(create.Env, k+"="+v)
	}
	dead := make(chan struct{})
	remove := w.cloud.Inject(openstacktest.Fault{Method: "PUT", Path: neutron + "ports/*", Nth: 2, Rival: func() { kill(); <-dead }})
	out, err := create.CombinedOutput()
	close(dead)
	remove()
	if err == nil || w.pairs() == 0 {
		t.Fatalf("%v, %d pairs: it was not cut off in between\n%s", err, w.pairs(), out)
	}
	stdout, stderr, code := w.havip("delete", "bastion", "--yes")
	if code != 0 || w.pairs() != 0 {
		t.Errorf("exit %d, %d pairs\n%s%s", code, w.pairs(), stdout, stderr)
	}
}

// pairs counts the allowed-address pairs of all ports.
func (w *world) pairs() int {
	var ports []struct {
		Pairs []object `json:"allowed_address_pairs"`
	}
	w.cloud.Admin().Get(neutron + "ports").Into(&ports)
	n := 0
	for _, p := range ports {
		n += len(p.Pairs)
	}
	return n
}
