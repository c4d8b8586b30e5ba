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
	name := h.settings.knownAs()
	algorithms := db.HostKeyAlgorithms(name)
	// A certificate is only of use where an authority is known, whose own key
	// may be of another type; there it comes first.
	authority := slices.ContainsFunc(db.HostKeys(name), func(k knownhosts.PublicKey) bool { return k.Cert })
	rank := func(a string) int {
		if strings.Contains(a, "-cert-v01@") {
			return 0
		}
		return 1
	}
	// Ed25519 before the others, as OpenSSH has it: the same key is then kept.
	rest := append([]string{ssh.KeyAlgoED25519}, ssh.SupportedAlgorithms().HostKeys...)
	slices.SortStableFunc(rest, func(a, b string) int { return rank(a) - rank(b) })
	for _, a := range rest {
		if !slices.Contains(algorithms, a) && (authority || rank(a) > 0) {
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
	key = plain(key)
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

// known asks known_hosts. Nil and nil is a key that is known. A certificate
// counts where its authority stands there for the host; one of another
// authority is no more than its plain key, as to OpenSSH (check_host_key in
// sshconnect.c).
func (h *hostKeys) known(host string, addr net.Addr, key ssh.PublicKey) (*HostKeyError, error) {
	db, err := h.load()
	if err != nil {
		return nil, err
	}
	// The name decides: the library must not look the address up instead.
	if _, ok := addr.(*net.TCPAddr); !ok {
		addr = &net.TCPAddr{IP: net.IPv4zero}
	}
	check, keys := db.HostKeyCallback(), db.HostKeys(host)
	problem := &HostKeyError{
		Host: knownhosts.Normalize(host), Problem: KeyUnknown,
		Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(plain(key)),
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		// The library looks for @revoked at a certificate last, and does not
		// say where it stands; as a key it is looked for first.
		for _, k := range []ssh.PublicKey{cert.Key, cert.SignatureKey} {
			if revoked, ok := errors.AsType[*xknownhosts.RevokedError](check(host, addr, k)); ok {
				problem.Problem, problem.Where = KeyRevoked, place(revoked.Revoked)
				return problem, nil
			}
		}
		if stands(keys, cert.SignatureKey, true) {
			if problem.Err = check(host, addr, cert); problem.Err == nil {
				return nil, nil
			}
			problem.Problem = KeyInvalid // out of date, or not for this host
			return problem, nil
		}
		key = cert.Key
		problem.Type = key.Type()
	}
	err = check(host, addr, key)
	if err == nil {
		return nil, nil
	}
	if revoked, ok := errors.AsType[*xknownhosts.RevokedError](err); ok {
		problem.Problem, problem.Where = KeyRevoked, place(revoked.Revoked)
		return problem, nil
	}
	keyErr, ok := errors.AsType[*xknownhosts.KeyError](err)
	if !ok {
		return nil, fmt.Errorf("look up the host key of %s: %w", host, err)
	}
	// The library counts an authority's key as one of the host's own.
	for _, want := range keyErr.Want {
		if stands(keys, want.Key, false) {
			problem.Problem, problem.Where = KeyChanged, place(want)
			break
		}
	}
	return problem, nil
}

// stands tells whether a key is among those of known_hosts, as an authority's
// or as the host's own.
func stands(keys []knownhosts.PublicKey, key ssh.PublicKey, authority bool) bool {
	return slices.ContainsFunc(keys, func(k knownhosts.PublicKey) bool {
		return k.Cert == authority && string(k.Marshal()) == string(key.Marshal())
	})
}

// plain is the key itself, which a certificate is about.
func plain(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

func place(k xknownhosts.KnownKey) string { return fmt.Sprintf("%s:%d", k.Filename, k.Line) }

// load reads all files anew: another run may have added a key.
func (h *hostKeys) load() (*knownhosts.HostKeyDB, error) {
	return loadKnownHosts(slices.Concat(h.settings.knownHosts, h.settings.globalHosts))
}
