package server

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/provision/plan"
)

func compareAddresses() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
}

func TestInspectOfAServerThatHoldsNothing(t *testing.T) {
	eachShell(t, func(t *testing.T, shell string) {
		h := newHost(t, shell)
		h.write("sys/class/net/ens3/address", "fa:16:3e:12:34:56\n")
		h.write("ip-addr", `2: ens3    inet 10.0.0.130/24 brd 10.0.0.255 scope global dynamic ens3\       valid_lft 86000sec
2: ens3    inet6 fe80::f816:3eff:fe12:3456/64 scope link \       valid_lft forever preferred_lft forever
`)
		got, err := inspect(t.Context(), h, h.place(), "bastion")
		if err != nil {
			t.Fatal(err)
		}
		want := plan.Host{
			Root: true, OS: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64", Init: plan.Systemd,
			NICs: []plan.NIC{{Name: "ens3", MAC: "fa:16:3e:12:34:56", Addresses: []netip.Prefix{
				netip.MustParsePrefix("10.0.0.130/24"), netip.MustParsePrefix("fe80::f816:3eff:fe12:3456/64"),
			}}},
		}
		if diff := cmp.Diff(want, got.host, compareAddresses()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestInspectWithoutSudoSaysSo(t *testing.T) {
	h := newHost(t, "sh")
	h.write("state/user", "")
	h.write("state/nosudo", "")
	got, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	if got.host.Root || got.host.Arch != "amd64" {
		t.Errorf("host %+v", got.host)
	}
}

func TestInspectFindsForeignDaemons(t *testing.T) {
	h := newHost(t, "sh")
	process := func(pid int, name string, parent int, args ...string) {
		dir := fmt.Sprintf("proc/%d/", pid)
		h.write(dir+"comm", name+"\n")
		h.write(dir+"status", fmt.Sprintf("Name:\t%s\nPPid:\t%d\n", name, parent))
		h.write(dir+"cmdline", strings.Join(args, "\x00")+"\x00")
	}
	process(1, "systemd", 0, "/sbin/init")
	process(700, "keepalived", 1, "/usr/sbin/keepalived", "--dont-fork")
	process(701, "keepalived", 700, "/usr/sbin/keepalived", "--dont-fork")
	process(800, "ucarp", 1, "ucarp", "--vhid=7", "--addr=10.0.0.7", "--pass=secret")
	process(900, "havip-agent", 1, "havip-agent", "run")
	h.write("etc/keepalived/keepalived.conf", `! comment virtual_router_id 9
vrrp_instance VI_1 {
    virtual_router_id 51
    authentication {
        auth_pass secret
    }
    virtual_ipaddress {
        10.0.0.136/24 dev ens3 label ens3:1
        2001:db8::36  # v6
    }
}
vrrp_instance VI_2 { virtual_router_id 52
    virtual_ipaddress { 10.0.0.137 } }
`)
	got, err := inspect(t.Context(), h, h.place(), "bastion")
	if err != nil {
		t.Fatal(err)
	}
	addrs := func(list ...string) (out []netip.Addr) {
		for _, a := range list {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	want := []plan.Foreign{
		{Name: "keepalived", PID: 700, VRIDs: []int{51, 52}, Addresses: addrs("10.0.0.136", "2001:db8::36", "10.0.0.137")},
		{Name: "ucarp", PID: 800, VRIDs: []int{7}, Addresses: addrs("10.0.0.7")},
	}
	if diff := cmp.Diff(want, got.host.Foreign, compareAddresses()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFRRConfiguration(t *testing.T) {
	var c claims
	c.readFRR("interface eth0\n vrrp 5 version 3\n vrrp 5 priority 200\n vrrp 5 ip 10.0.1.1\n vrrp 5 ipv6 2001:db8::5\n")
	if fmt.Sprint(c.vrids, c.addresses) != "[5] [10.0.1.1 2001:db8::5]" {
		t.Errorf("%v %v", c.vrids, c.addresses)
	}
}

func TestFacts(t *testing.T) {
	tests := []struct {
		name string
		out  string
		want string // in the error; "" is none
	}{
		{"a login script talks first", "Welcome\tto this server\nhavip\t1\nuid\t0\n", ""},
		{"words of a later version are passed over", "havip\t1\nmoon\tfull\n", ""},
		{"nothing but noise", "This account is not available\n", "did not answer as expected"},
		{"broken base64", "havip\t1\nconfig\t%%%\n", `"config"`},
		{"no address", "havip\t1\nnic\teth0\tfa:16:3e:00:00:01\naddr\teth0\tmoon\n", `"addr"`},
		{"an address without a length", "havip\t1\nnic\ttun0\t\naddr\ttun0\t10.8.0.1\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseFacts(tt.out, "bastion")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestUpgradeThatWasCutOffShowsTheBinaryThatRuns(t *testing.T) {
	f, err := parseFacts("havip\t1\nbinary\tnew\nunit\tu\nrunning\nexe\told\n", "bastion")
	if err != nil {
		t.Fatal(err)
	}
	if a := f.host.Agent; a.BinarySHA256 != "new" || a.RunsSHA256 != "old" {
		t.Errorf("file %s, running %s", a.BinarySHA256, a.RunsSHA256)
	}
}

func TestNewerVersions(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"0.3.1", "0.3.0", true},
		{"0.10.0", "0.9.9", true},
		{"v1.0.0", "0.9.9", true},
		{"0.3.0", "0.3.0", false},
		{"0.2.9", "0.3.0", false},
		{"0.3.0-5-gabcdef", "0.3.0", false},
		{"sha256-0123456789ab", "0.3.0", false},
		{"0.3.0", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.a+" and "+tt.b, func(t *testing.T) {
			if got := newer(tt.a, tt.b); got != tt.want {
				t.Errorf("newer is %v, want %v", got, tt.want)
			}
		})
	}
}
