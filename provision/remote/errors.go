package remote

import (
	"errors"
	"fmt"
	"strings"
)

// ExitError is a command that ran and ended with another code than 0.
type ExitError struct {
	Command string
	Code    int // -1 when a signal ended it
	Stderr  string
}

func (e *ExitError) Error() string {
	// The last line is the one that says why; the command may be a script of
	// many lines, and it is not for people.
	msg := fmt.Sprintf("the command ended with code %d", e.Code)
	if e.Code < 0 {
		msg = "the command was killed"
	}
	lines := strings.Split(strings.TrimSpace(e.Stderr), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		msg += ": " + last
	}
	return msg
}

// ConfigError is an SSH configuration that ssh does not take. It says nothing
// of the host that was asked for: it is the same for all of them.
type ConfigError struct {
	Said string // by ssh, one or more lines
	Err  error
}

func (e *ConfigError) Error() string {
	if e.Said == "" {
		return "read the SSH configuration: " + e.Err.Error()
	}
	return "ssh does not take the SSH configuration\n" + e.Said
}

func (e *ConfigError) Unwrap() error { return e.Err }

// Hint says where to look.
func (e *ConfigError) Hint() string {
	return "mend it, or name another one: --ssh-config FILE (ssh -G HOST shows what ssh makes of it)"
}

// UnreachableError is a hop on the way that could not be reached.
type UnreachableError struct {
	Address string // host:port of the hop
	Via     string // the hop before it, "" from here
	Timeout bool
	Err     error
}

func (e *UnreachableError) Error() string {
	from := "from here"
	if e.Via != "" {
		from = "from " + e.Via
	}
	if e.Timeout {
		return fmt.Sprintf("reach %s %s: no answer in time", e.Address, from)
	}
	return fmt.Sprintf("reach %s %s: %v", e.Address, from, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says what is usually wrong.
func (e *UnreachableError) Hint() string {
	if e.Via != "" {
		return "check that " + e.Via + " may forward (AllowTcpForwarding) and that the security groups let it reach the server's SSH port"
	}
	return "check the address and the security groups, or name a way there: --ssh-jump USER@HOST, or ProxyJump in ~/.ssh/config"
}

// AuthError is a server that let none of our keys in.
type AuthError struct {
	Address string
	User    string
	Tried   []string // what was offered: fingerprint and where it came from
	Skipped []string // what was not, and why
	Err     error
}

func (e *AuthError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "log in to %s as %q: access refused", e.Address, e.User)
	for _, k := range e.Tried {
		b.WriteString("\ntried " + k)
	}
	for _, k := range e.Skipped {
		b.WriteString("\nskipped " + k)
	}
	return b.String()
}

func (e *AuthError) Unwrap() error { return e.Err }

// Hint says how to offer the right user and key.
func (e *AuthError) Hint() string {
	if len(e.Tried) == 0 {
		return "no key was offered: load one with ssh-add, or name it with --ssh-identity FILE"
	}
	return "check the user (--ssh-user; cloud images want debian, ubuntu, rocky, ...) and that one of these keys is in its authorized_keys"
}

// Booting tells whether a server that boots may be the reason: it does not answer yet, has
// not printed its host keys yet, or lets nobody log in before it is up (pam_nologin(8)).
func Booting(err error) bool {
	if key := (*HostKeyError)(nil); errors.As(err, &key) {
		return key.Problem == KeyUnknown && key.Err != nil // the console was read
	}
	silent, closed := (*UnreachableError)(nil), (*AuthError)(nil)
	return errors.As(err, &silent) || errors.As(err, &closed)
}

// KeyProblem is what is wrong with a host key.
type KeyProblem string

// The problems of a host key.
const (
	KeyUnknown    KeyProblem = "unknown"
	KeyChanged    KeyProblem = "changed"
	KeyRevoked    KeyProblem = "revoked"
	KeyInvalid    KeyProblem = "invalid"     // a certificate of a known authority
	KeyNotPrinted KeyProblem = "not printed" // on the console
)

// HostKeyError is a host key that is not to be trusted.
type HostKeyError struct {
	Host        string // as it is looked up in known_hosts
	Problem     KeyProblem
	Type        string
	Fingerprint string
	Where       string // file:line of the key that contradicts it
	Err         error
}

func (e *HostKeyError) Error() string {
	key := fmt.Sprintf("%s %s", e.Type, e.Fingerprint)
	switch e.Problem {
	case KeyChanged:
		return fmt.Sprintf("the host key of %s has CHANGED\nit sent %s\nanother one is in %s", e.Host, key, e.Where)
	case KeyRevoked:
		return fmt.Sprintf("the host key of %s is revoked in %s\nit sent %s", e.Host, e.Where, key)
	case KeyInvalid:
		return fmt.Sprintf("the host certificate of %s is not valid: %s\nit sent %s", e.Host, strings.TrimPrefix(e.Err.Error(), "ssh: "), key)
	case KeyNotPrinted:
		return fmt.Sprintf("the host key of %s is not one that the server printed on its console\nit sent %s", e.Host, key)
	default:
		msg := fmt.Sprintf("the host key of %s is not known\nit sent %s", e.Host, key)
		if e.Err != nil {
			msg += "\n" + e.Err.Error()
		}
		return msg
	}
}

func (e *HostKeyError) Unwrap() error { return e.Err }

// Hint says how the key can become known, or why it should not.
func (e *HostKeyError) Hint() string {
	switch e.Problem {
	case KeyChanged:
		return fmt.Sprintf("if the server was rebuilt: ssh-keygen -R '%s', then again; if not, somebody may be in between. For a floating IP or VIP that moves: havip known-hosts", e.Host)
	case KeyRevoked:
		return "somebody took this key out of use; give the server a new one"
	case KeyInvalid:
		return "let your authority sign the server's host key anew, for the name or address that it is reached by; ssh-keygen -Lf shows what a certificate says (on the server: /etc/ssh/*-cert.pub)"
	case KeyNotPrinted:
		return "another machine may have this address, or the server's keys were made anew since its first boot; compare before you add one to known_hosts"
	}
	if e.Err != nil { // the console was read already
		return "compare the fingerprint with what the server itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and add it to known_hosts; or trust the first key seen: --host-keys accept-new"
	}
	return "compare the fingerprint with the server's console and add it to known_hosts; or let havip read the console: --host-keys console; or trust the first key seen: --host-keys accept-new"
}

// PassphraseError is a private key that cannot be used because nobody can be
// asked for its passphrase.
type PassphraseError struct {
	Path string
	Err  error
}

func (e *PassphraseError) Error() string { return fmt.Sprintf("unlock key %s: %v", e.Path, e.Err) }

func (e *PassphraseError) Unwrap() error { return e.Err }

// Hint says how to do without asking.
func (e *PassphraseError) Hint() string { return "load it into the ssh-agent: ssh-add " + e.Path }
