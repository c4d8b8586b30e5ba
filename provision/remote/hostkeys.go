package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/havip/havip/provision/spec"
)

// hostKeys judges the host key of one connection.
type hostKeys struct {
	ctx      context.Context // of the dial: x/crypto/ssh hands none down
	settings settings
	policy   spec.HostKeys
	console  consoleKeys
	limit    *stopwatch
	mu       *sync.Mutex

	trusted bool  // the key was found good
	err     error // why it was not
}

// algorithms lists the host-key types to ask for: those that we know a key of
// first, else a server that has several may send one that we cannot check.
func (h *hostKeys) algorithms() ([]string, error) {
	db, err := h.load()
	if err != nil {
		return nil, err
	}
	algorithms := db.HostKeyAlgorithms(h.settings.knownAs())
	// Ed25519 before the others, as OpenSSH has it: the same key is then kept.
	for _, a := range append([]string{ssh.KeyAlgoED25519}, ssh.SupportedAlgorithms().HostKeys...) {
		// A certificate is only of use where its authority is known.
		if !slices.Contains(algorithms, a) && !strings.Contains(a, "-cert-v01@") {
			algorithms = append(algorithms, a)
		}
	}
	return algorithms, nil
}

// check implements ssh.HostKeyCallback.
func (h *hostKeys) check(host string, addr net.Addr, key ssh.PublicKey) error {
	h.err = h.judge(host, addr, key)
	h.trusted = h.err == nil
	return h.err
}

func (h *hostKeys) judge(host string, addr net.Addr, key ssh.PublicKey) error {
	problem, err := h.known(host, addr, key)
	if err != nil || problem == nil {
		return err
	}
	if problem.Problem != KeyUnknown {
		return problem
	}
	switch {
	case h.policy == spec.AcceptNew:
		return h.remember(host, addr, key, []ssh.PublicKey{key})
	case h.policy == spec.Console && h.console != nil:
		printed, err := h.printed()
		if err != nil {
			problem.Err = err
			return problem
		}
		same := func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(key.Marshal()) }
		if !slices.ContainsFunc(printed, same) {
			problem.Problem = KeyNotPrinted
			return problem
		}
		// Kept, so that later runs need no console: its log is not kept.
		return h.remember(host, addr, key, printed)
	default:
		return problem
	}
}

// printed reads the console; that may take longer than a handshake may.
func (h *hostKeys) printed() ([]ssh.PublicKey, error) {
	defer h.limit.pause()()
	keys, err := h.console(h.ctx)
	if err != nil {
		return nil, fmt.Errorf("read the host keys from the server's console: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("the server's console shows no host keys: its log is cut off after a while, and only the first boot prints them")
	}
	return keys, nil
}

// known asks known_hosts. Nil and nil is a key that is known.
func (h *hostKeys) known(host string, addr net.Addr, key ssh.PublicKey) (*HostKeyError, error) {
	db, err := h.load()
	if err != nil {
		return nil, err
	}
	// The name decides: the library must not look the address up instead.
	if _, ok := addr.(*net.TCPAddr); !ok {
		addr = &net.TCPAddr{IP: net.IPv4zero}
	}
	err = db.HostKeyCallback()(host, addr, key)
	if err == nil {
		return nil, nil
	}
	problem := &HostKeyError{
		Host: knownhosts.Normalize(host), Problem: KeyUnknown,
		Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key),
	}
	if revoked, ok := errors.AsType[*xknownhosts.RevokedError](err); ok {
		problem.Problem, problem.Where = KeyRevoked, place(revoked.Revoked)
	} else if keyErr, ok := errors.AsType[*xknownhosts.KeyError](err); !ok {
		problem.Err = err // a certificate that is out of date, or not for this host
	} else if len(keyErr.Want) > 0 {
		problem.Problem, problem.Where = KeyChanged, place(keyErr.Want[0])
	}
	return problem, nil
}

func place(k xknownhosts.KnownKey) string { return fmt.Sprintf("%s:%d", k.Filename, k.Line) }

// load reads all files anew: another run may have added a key.
func (h *hostKeys) load() (*knownhosts.HostKeyDB, error) {
	return loadKnownHosts(slices.Concat(h.settings.knownHosts, h.settings.globalHosts))
}
