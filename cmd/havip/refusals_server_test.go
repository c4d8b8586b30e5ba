package main

import (
	"encoding/base64"
	"testing"

	"github.com/havip/havip/provision/remote/sshtest"
)

// What stands in the way on a server is found by looking at it, and is one of
// preflight's findings.
func TestRefusesAServer(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "that cannot be reached",
			bend: func(w *world) { w.hosts["bastion-2"].close(w.t) },
			code: 4,
			says: `
error: server bastion-2 cannot be reached: reach {SSH of bastion-2} from here: dial tcp {SSH of bastion-2}: connect: connection refused
hint: check the address and the security groups, or name a way there: --ssh-jump USER@HOST, or ProxyJump in ~/.ssh/config
`,
		},
		{
			name: "whose host key is not known",
			bend: func(w *world) { w.write("known_hosts", w.knownHost("bastion-1")) },
			code: 4,
			says: `
error: server bastion-2 cannot be reached: the host key of {SSH of bastion-2} is not known
  it sent ssh-ed25519 {host key of bastion-2}
hint: compare the fingerprint with the server's console and add it to known_hosts; or let havip read the console: --host-keys console; or trust the first key seen: --host-keys accept-new
`,
		},
		{
			name: "whose host key is another one",
			bend: func(w *world) {
				w.write("known_hosts", w.knownHost("bastion-1")+w.hosts["bastion-2"].knownHost(w.hosts["bastion-1"].key.PublicKey()))
			},
			code: 4,
			says: `
error: server bastion-2 cannot be reached: the host key of {SSH of bastion-2} has CHANGED
  it sent ssh-ed25519 {host key of bastion-2}
  another one is in {home}/known_hosts:2
hint: if the server was rebuilt: ssh-keygen -R '{SSH of bastion-2}', then again; if not, somebody may be in between. For a floating IP or VIP that moves: havip known-hosts
`,
		},
		{
			name: "whose host key is revoked",
			bend: func(w *world) {
				w.write("known_hosts", w.knownHost("bastion-1")+"@revoked "+w.knownHost("bastion-2"))
			},
			code: 4,
			says: `
error: server bastion-2 cannot be reached: the host key of {SSH of bastion-2} is revoked in {home}/known_hosts:2
  it sent ssh-ed25519 {host key of bastion-2}
hint: somebody took this key out of use; give the server a new one
`,
		},
		{
			name: "whose console does not show its host keys",
			bend: func(w *world) { w.write("known_hosts", w.knownHost("bastion-1")) },
			run:  "create -f bastion.yaml --host-keys console --yes",
			code: 4,
			says: `
error: server bastion-2 cannot be reached: the host key of {SSH of bastion-2} is not known
  it sent ssh-ed25519 {host key of bastion-2}
  the server's console shows no host keys: its log is cut off after a while, and only the first boot prints them
hint: compare the fingerprint with what the server itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and add it to known_hosts; or trust the first key seen: --host-keys accept-new
`,
		},
		{
			name: "that lets our key not in",
			bend: func(w *world) { w.hosts["bastion-2"].lets(nil) },
			code: 4,
			says: `
error: server bastion-2 cannot be reached: log in to {SSH of bastion-2} as "debian": access refused
  tried ssh-ed25519 {our key} ({home}/id)
hint: check the user (--ssh-user; cloud images want debian, ubuntu, rocky, ...) and that one of these keys is in its authorized_keys
`,
		},
		{
			name: "whose key needs a passphrase and nobody is there to ask",
			bend: func(w *world) {
				key, file := sshtest.NewKeyFile(w.t, "secret")
				w.write("locked", string(file))
				w.edit("ssh_config", "Host bastion-2\n", "Host bastion-2\n IdentityFile "+w.path("locked")+"\n")
				w.hosts["bastion-2"].lets(key.PublicKey())
			},
			code: 4,
			says: `
error: server bastion-2 cannot be reached: log in to {SSH of bastion-2} as "debian": access refused
  tried ssh-ed25519 {our key} ({home}/id)
  skipped {home}/locked: it has a passphrase, and there is no terminal to ask for it (ssh-add {home}/locked)
hint: check the user (--ssh-user; cloud images want debian, ubuntu, rocky, ...) and that one of these keys is in its authorized_keys
`,
		},
		{
			name: "behind a jump host that does not answer",
			run:  "create -f bastion.yaml --ssh-jump ops@127.0.0.1:1 --yes",
			code: 4,
			says: `
error: servers bastion-1, bastion-2 cannot be reached: reach 127.0.0.1:1 from here: dial tcp 127.0.0.1:1: connect: connection refused
hint: check the address and the security groups, or name a way there: --ssh-jump USER@HOST, or ProxyJump in ~/.ssh/config
`,
		},
		{
			name: "with an SSH configuration that ssh does not take",
			bend: func(w *world) {
				w.mkdir("bin")
				w.write("bin/ssh", "#!/bin/sh\nprintf 'ssh_config: line 1: Bad configuration option: prot\\r\\n' >&2\nexit 255\n")
				w.executable("bin/ssh")
				w.env["PATH"] = w.path("bin") + ":" + w.env["PATH"]
			},
			code: 4,
			says: `
error: servers bastion-1, bastion-2 cannot be reached: ssh does not take the SSH configuration
  ssh_config: line 1: Bad configuration option: prot
hint: mend it, or name another one: --ssh-config FILE (ssh -G HOST shows what ssh makes of it)
`,
		},
		{
			name: "where sudo needs a password",
			bend: func(w *world) { w.hosts["bastion-2"].says("uid", "1000") },
			code: 4,
			says: `
error: server bastion-2: user debian is not root and sudo asks for a password
hint: let it use sudo without a password, or choose another user in ssh.user
`,
		},
		{
			name: "whose login runs no commands",
			bend: func(w *world) { w.hosts["bastion-2"].refuses("This account is currently not available.") },
			code: 4,
			says: `
error: server bastion-2 cannot be reached: inspect server: the command ended with code 1: This account is currently not available.
hint: check ssh.user, ssh.jump and the server's security groups
`,
		},
		{
			name: "of an architecture without an agent",
			bend: func(w *world) { w.hosts["bastion-2"].says("arch", "riscv64") },
			code: 4,
			says: `
error: server bastion-2 is of architecture riscv64; this havip has agents for: amd64
hint: give it one with --agent-binary, or use a havip built with its agents (make build)
`,
		},
		{
			name: "where keepalived holds the VIP",
			bend: func(w *world) {
				h := w.hosts["bastion-2"]
				h.adds("foreign", "keepalived", "411", "1", base64.StdEncoding.EncodeToString([]byte("/usr/sbin/keepalived")))
				h.adds("keepalived", base64.StdEncoding.EncodeToString([]byte("vrrp_instance a {\n virtual_router_id 7\n virtual_ipaddress {\n  10.0.0.136/24\n }\n}\n")))
			},
			code: 4,
			says: `
error: server bastion-2: keepalived (pid 411) holds the VIP 10.0.0.136
hint: stop it and take the address out of its configuration: systemctl disable --now keepalived
`,
		},
		{
			name: "where keepalived has the VRID",
			bend: func(w *world) {
				h := w.hosts["bastion-2"]
				h.adds("foreign", "keepalived", "411", "1", base64.StdEncoding.EncodeToString([]byte("/usr/sbin/keepalived")))
				h.adds("keepalived", base64.StdEncoding.EncodeToString([]byte("vrrp_instance a {\n virtual_router_id 51\n virtual_ipaddress {\n  10.0.0.99\n }\n}\n")))
			},
			run:  "create -f bastion.yaml --vrid 51 --yes",
			code: 4,
			says: `
error: server bastion-2: keepalived (pid 411) uses VRID 51
hint: choose another in vrrp.id
`,
		},
		{
			name: "that has the VIP by hand",
			bend: func(w *world) { w.hosts["bastion-2"].adds("addr", "ens3", "10.0.0.136/24") },
			code: 4,
			says: `
error: server bastion-2: VIP 10.0.0.136 is on ens3 already, and not by havip's agent
hint: remove it there, and from what configures it (netplan, ifcfg, another daemon)
`,
		},
		{
			name: "without the address that Neutron gave it",
			bend: func(w *world) { w.hosts["bastion-2"].says("addr", "ens3", "10.0.0.77/24") },
			code: 4,
			says: `
error: server bastion-2: no NIC has the port's MAC {MAC of bastion-2} and address 10.0.0.11
  ens3  {MAC of bastion-2}  10.0.0.77/24
hint: bring the NIC up with the address that Neutron gave it (DHCP, or cloud-init)
`,
		},
		{
			name: "whose agent is newer than this havip",
			bend: func(w *world) {
				h := w.hosts["bastion-2"]
				h.adds("binary", "5d41402abc4b2a76b9719d911017c592")
				h.adds("version", "havip-agent 99.0.0 (go1.30)")
			},
			code: 4,
			says: `
error: server bastion-2: its agent is 99.0.0, newer than this havip's 0.3.0
hint: use havip 99.0.0 or later
`,
		},
	})
}
