// Package guest is what runs inside a server of the lab: the root file system
// over the host's, an init that starts and stops SysV services, a system log,
// and an SSH server. Each server is a set of namespaces; Init is its PID 1.
package guest

// Boot is what a server's PID 1 is told, as JSON on descriptor 3.
type Boot struct {
	Name string
	// Dir holds the server's disk: it stays when the server is powered off.
	Dir       string
	PublicKey string            // authorized_keys line of root
	UserData  string            // a script is run at the first boot
	Hosts     map[string]string // names to addresses
}

// The names under which a program that serves the lab is started again, as
// argv[0].
const (
	InitStage = "havip-lab-init"
	SSHStage  = "havip-lab-sshd"
)

// hostKey is the server's SSH host key. It is made at the first boot.
const hostKey = "/etc/ssh/ssh_host_ed25519_key"

const authorizedKeys = "/root/.ssh/authorized_keys"

// path is where commands are looked for.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
