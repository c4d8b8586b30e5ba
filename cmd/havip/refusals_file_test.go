package main

import "testing"

func TestRefusesABadGroupFile(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "an unknown key",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp:
  intervall: 300ms
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:5:3: vrrp.intervall: unknown key
hint: did you mean interval?
`,
		},
		{
			name: "a value of the wrong type",
			file: `
version: 1
name: bastion
servers: bastion-1
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:3:10: servers: want a list, got "bastion-1"
hint: write [bastion-1]
`,
		},
		{
			name: "a number where a truth value belongs",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {preempt: 3}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:17: vrrp.preempt: want true or false, got "3"
`,
		},
		{
			name: "a key that stands twice",
			file: `
version: 1
name: bastion
name: web
servers: [bastion-1, bastion-2]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:3:1: name: stands twice, first in line 2
hint: keep one of them
`,
		},
		{
			name: "text that is no YAML",
			file: `
version: 1
name: [bastion
servers: [bastion-1, bastion-2]
`,
			code: 2,
			says: `
error: bastion.yaml:2:1: did not find expected ',' or ']'
hint: correct the YAML here, or a little above
`,
		},
		{
			name: "an empty file",
			file: "\n\n",
			code: 2,
			says: `
error: bastion.yaml:1:1: the file is empty
hint: is it the right file?
`,
		},
		{
			name: "a version that this havip does not read",
			file: `
version: 2
name: bastion
servers: [bastion-1, bastion-2]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:1:10: version: this havip reads version 1 of the group file, got 2
hint: write version: 1, or use the havip that the file was written for
`,
		},
		{
			name: "a server listed twice",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2, bastion-1]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:3:33: servers[2]: "bastion-1" is listed twice, first at servers[0]
hint: name each one once
`,
		},
		{
			name: "a single server",
			file: `
version: 1
name: bastion
servers: [bastion-1]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:3:10: servers: a group of one server has nothing to fail over to
hint: list two servers or more, in the file under servers or with --server NAME for each
`,
		},
		{
			name: "a group name that is too long",
			file: `
version: 1
name: the-bastion-of-the-first-availability-zone
servers: [bastion-1, bastion-2]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:2:7: name: "the-bastion-of-the-first-availability-zone" cannot be the name of a group
hint: a name has lower-case letters, digits and hyphens (not first or last), at most 32
`,
		},
		{
			name: "a group name with other letters",
			file: `
version: 1
name: Bastion_1
servers: [bastion-1, bastion-2]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:2:7: name: "Bastion_1" cannot be the name of a group
hint: a name has lower-case letters, digits and hyphens (not first or last), at most 32
`,
		},
		{
			name: "no network",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips: [{address: 10.0.0.136}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:8: vips[0].network is missing
hint: give the network's name or ID
`,
		},
		{
			name: "a VIP that is no address",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips: [{network: internal, address: 10.0.0.336}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:37: vips[0].address: want an IP address such as 10.0.0.136, got "10.0.0.336"
`,
		},
		{
			name: "a VIP with a prefix length",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips: [{network: internal, address: 10.0.0.136/24}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:37: vips[0].address: want an IP address such as 10.0.0.136, got "10.0.0.136/24"
`,
		},
		{
			name: "a VIP in IPv6",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips: [{network: internal, address: "fd00::136"}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:37: vips[0].address: fd00::136 is IPv6, in which this version of havip sets up no group yet
hint: give an IPv4 address
`,
		},
		{
			name: "two VIPs",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips:
  - {network: internal}
  - {network: storage}
`,
			code: 2,
			says: `
error: bastion.yaml:6:5: vips[1]: this version of havip moves one address
hint: make a group of its own for the other one
`,
		},
		{
			name: "a floating IP that is the VIP",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vips: [{network: internal, address: 10.0.0.136, floating_ip: 10.0.0.136}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:62: vips[0].floating_ip: 10.0.0.136 is the VIP itself
hint: a floating IP is an address of the external network
`,
		},
		{
			name: "a VRID out of range",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {id: 256}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:12: vrrp.id: want auto, or 1 to 255, got "256"
`,
		},
		{
			name: "an interval that is too short",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {interval: 5ms}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:18: vrrp.interval: want 10ms to 40.95s, got 5ms
`,
		},
		{
			name: "an interval that VRRP cannot say",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {interval: 125ms}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:18: vrrp.interval: want a multiple of 10ms, got 125ms
hint: VRRP sends the interval in hundredths of a second: take 130ms
`,
		},
		{
			name: "an interval without a unit",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {interval: 300}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:18: vrrp.interval: want a duration such as 300ms or 1s, got "300"
`,
		},
		{
			name: "a version of VRRP that the agent does not speak",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {version: 2}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:17: vrrp.version: this version of havip does not speak VRRP version 2 yet
hint: write 3, or take the key away
`,
		},
		{
			name: "multicast",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
vrrp: {mode: multicast}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:14: vrrp.mode: this version of havip does not do "multicast" yet
hint: write unicast, or take the key away
`,
		},
		{
			name: "a check of nothing",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
checks: [{name: ssh}]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:10: checks[0]: does not say what to ask
hint: give tcp: "host:port", http: URL, process, file, unit, gateway or exec
`,
		},
		{
			name: "a check that takes longer than its interval",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
checks: [{name: ssh, tcp: ":22", interval: 1s, timeout: 2s}]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:57: checks[0].timeout: want 10ms to the interval, 1s, got 2s
`,
		},
		{
			name: "a check of a URL that is none",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
checks: [{name: web, http: localhost:8080/health}]
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:28: checks[0].http: want a URL such as http://localhost:8080/health, got "localhost:8080/health"
`,
		},
		{
			name: "a verify that is none",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
verify: ssh
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:9: verify: want tcp:PORT, icmp, none or a URL such as http://localhost/health, got "ssh"
`,
		},
		{
			name: "a jump host that is none",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
ssh: {jump: ["ops@fd00::1"]}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:14: ssh.jump[0]: want [USER@]HOST[:PORT], got "ops@fd00::1"
hint: an IPv6 address goes into brackets: [fd00::1]:22
`,
		},
		{
			name: "host keys that are not verified",
			file: `
version: 1
name: bastion
servers: [bastion-1, bastion-2]
ssh: {host_keys: "no"}
vips: [{network: internal}]
`,
			code: 2,
			says: `
error: bastion.yaml:4:18: ssh.host_keys: want known_hosts, console or accept-new, got "no"
hint: host keys are always verified
`,
		},
		{
			name: "a file that is not there",
			run:  "create -f bastoin.yaml --yes",
			code: 2,
			says: `
error: read group file: open bastoin.yaml: no such file or directory
hint: -f takes the path of a group file, or - to read it from stdin
`,
		},
		{
			name: "a file that is a folder",
			run:  "create -f . --yes",
			code: 2,
			says: `
error: read group file: read .: is a directory
hint: -f takes the path of a group file, or - to read it from stdin
`,
		},
	})
}

func TestRefusesABadCommandLine(t *testing.T) {
	refuse(t, []refusal{
		{
			name: "nobody to ask and no --yes",
			run:  "create -f bastion.yaml",
			code: 2,
			says: `
error: create asks before it touches anything, and there is no terminal to ask at
hint: add --yes (or set HAVIP_YES=1), and look first with: havip plan
`,
		},
		{
			name: "delete without --yes and nobody to ask",
			run:  "delete bastion",
			code: 2,
			says: `
error: delete asks before it touches anything, and there is no terminal to ask at
hint: add --yes (or set HAVIP_YES=1)
`,
		},
		{
			name: "an unknown flag",
			run:  "create -f bastion.yaml --vrrp-id 51 --yes",
			code: 2,
			says: `
error: unknown flag: --vrrp-id
hint: havip create --help
`,
		},
		{
			name: "a flag without its value",
			run:  "create --yes -f",
			code: 2,
			says: `
error: flag needs an argument: 'f' in -f
hint: havip create --help
`,
		},
		{
			name: "neither a name nor a file",
			run:  "create --server bastion-1 --server bastion-2 --network internal --yes",
			code: 2,
			says: `
error: no group is named
hint: give its name or its file: havip create GROUP, or -f FILE
`,
		},
		{
			name: "another name than the file's",
			run:  "status web bastion",
			code: 2,
			says: `
error: one group at a time: web, bastion
hint: havip status --help
`,
		},
		{
			name: "a group together with all",
			run:  "status --all bastion",
			code: 2,
			says: `
error: --all goes without GROUP and -f
hint: take one of them away
`,
		},
		{
			name: "a look each millisecond",
			run:  "status bastion --watch --every 1ms",
			code: 2,
			says: `
error: --every: want 100ms or more, got 1ms
`,
		},
		{
			name: "a VRID that is no number",
			run:  "create -f bastion.yaml --vrid first --yes",
			code: 2,
			says: `
error: --vrid: want auto, or 1 to 255, got "first"
`,
		},
		{
			name: "an interval of words",
			run:  "create -f bastion.yaml --interval fast --yes",
			code: 2,
			says: `
error: --interval: want a duration such as 300ms or 1s, got "fast"
`,
		},
		{
			name: "a network's name for a floating IP",
			run:  "create -f bastion.yaml --floating-ip public --yes",
			code: 2,
			says: `
error: --floating-ip: want an IP address, got "public"
hint: to allocate one from a network use --floating-ip-from NETWORK
`,
		},
		{
			name: "a floating IP and a network to allocate one from",
			run:  "create -f bastion.yaml --floating-ip 203.0.113.11 --floating-ip-from public --yes",
			code: 2,
			says: `
error: --floating-ip is given together with --floating-ip-from
hint: give the address of an existing one, or the network to allocate one from
`,
		},
		{
			name: "a server with a port that is left out",
			run:  "create -f bastion.yaml --server bastion-1= --server bastion-2 --yes",
			code: 2,
			says: `
error: --server: want NAME or NAME=PORT, got "bastion-1="
`,
		},
		{
			name: "a check that says nothing",
			run:  "create -f bastion.yaml --check ssh --yes",
			code: 2,
			says: `
error: --check: want NAME=tcp:PORT, NAME=tcp:HOST:PORT or NAME=URL, got "ssh"
`,
		},
		{
			name: "a choice that is none",
			run:  "create -f bastion.yaml --on-failure undo --yes",
			code: 2,
			says: `
error: --on-failure: "undo" is not one of keep, rollback
`,
		},
		{
			name: "an agent that is no program",
			run:  "create -f bastion.yaml --agent-binary bastion.yaml --yes",
			code: 1,
			says: `
error: read agent binary "bastion.yaml": it is no Linux executable
hint: name a havip-agent that was built for Linux: --agent-binary FILE, once for each architecture
`,
		},
		{
			name: "a setting that is not known",
			bend: func(w *world) {
				w.env["XDG_CONFIG_HOME"] = w.home
				w.mkdir("havip")
				w.write("havip/config.yaml", "ssh-usr: debian\n")
			},
			code: 2,
			says: `
error: {home}/havip/config.yaml: unknown setting "ssh-usr"
hint: the settings are: agent-binary, host-keys, insecure, os-cacert, os-cloud, os-interface, os-region-name, output, quiet, ssh-config, ssh-identity, ssh-jump, ssh-user, verbose, yes
`,
		},
		{
			name: "a setting of the wrong type",
			bend: func(w *world) { w.env["HAVIP_YES"] = "perhaps" },
			run:  "create -f bastion.yaml",
			code: 2,
			says: `
error: setting yes (HAVIP_YES): want true or false, got "perhaps"
`,
		},
	})
}
