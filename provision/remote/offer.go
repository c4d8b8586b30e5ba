package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/crypto/ssh"
)

// offer gathers the keys to show to one server.
type offer struct {
	ctx      context.Context // of the dial: x/crypto/ssh hands none down
	settings settings
	identity string // named by flag or group file; shown first
	keys     *keyring
	limit    *stopwatch

	tried, skipped []string
	err            error // why a key could not sign
}

// signers lists the keys in ssh's order (ssh_config(5), IdentityFile): keys of
// the agent that a file names, the agent's others, then the files' own. A
// server counts each as an attempt and hangs up after a few.
func (o *offer) signers() ([]ssh.Signer, error) {
	files, err := o.files()
	if err != nil {
		o.err = err
		return nil, err
	}
	held := o.held()
	list := &signerList{offer: o}
	// The one that the user named is meant: before all that the agent has.
	if o.identity != "" {
		list.file(files[0], held)
	}
	for _, id := range files {
		if s := findKey(held, id.pub); s != nil {
			list.add(s, id, "ssh-agent")
		}
	}
	if !o.settings.identitiesOnly {
		for _, s := range held {
			list.add(s, nil, "ssh-agent")
		}
	}
	for _, id := range files {
		list.file(id, held)
	}
	return list.out, list.err
}

// files reads the identity files. One that is only a default may be missing.
func (o *offer) files() ([]*identity, error) {
	var out []*identity
	if o.identity != "" {
		id, err := o.keys.identity(o.keys.expand.path(o.settings, o.identity))
		if err != nil {
			o.err = err
			return nil, err
		}
		out = append(out, id)
	}
	for _, path := range o.settings.identityFiles {
		id, err := o.keys.identity(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			o.skipped = append(o.skipped, err.Error())
			continue
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// held lists the agent's keys.
func (o *offer) held() []ssh.Signer {
	a, err := o.keys.agent(o.settings.identityAgent)
	if err != nil {
		o.skipped = append(o.skipped, err.Error())
		return nil
	}
	if a == nil {
		return nil
	}
	signers, err := a.Signers()
	if err != nil {
		o.skipped = append(o.skipped, fmt.Sprintf("the keys of the ssh-agent: %v", err))
	}
	return signers
}

func findKey(signers []ssh.Signer, pub ssh.PublicKey) ssh.Signer {
	if pub == nil {
		return nil
	}
	for _, s := range signers {
		if string(s.PublicKey().Marshal()) == string(pub.Marshal()) {
			return s
		}
	}
	return nil
}

// signerList is the list under construction, each key once.
type signerList struct {
	offer *offer
	out   []ssh.Signer
	err   error
}

// file adds the key of an identity file, from the agent when that has it.
func (l *signerList) file(id *identity, held []ssh.Signer) {
	o := l.offer
	if s := findKey(held, id.pub); s != nil {
		l.add(s, id, "ssh-agent")
		return
	}
	switch {
	case id.publicOnly():
		o.skipped = append(o.skipped, fmt.Sprintf("%s: the private key is neither there nor in the ssh-agent", id.path))
	case id.locked() && o.keys.prompt == nil:
		o.skipped = append(o.skipped, fmt.Sprintf("%s: it has a passphrase, and there is no terminal to ask for it (ssh-add %s)", id.path, id.path))
	case id.pub == nil:
		// An old PEM file shows its public key only when unlocked.
		defer o.limit.pause()()
		s, err := o.keys.unlock(o.ctx, id)
		if err != nil {
			l.err, o.err = err, err
			return
		}
		l.add(s, id, id.path)
	default:
		l.add(&fileSigner{offer: o, id: id}, id, id.path)
	}
}

// add puts a key on the list, before it the certificates for it.
func (l *signerList) add(s ssh.Signer, id *identity, from string) {
	var certs []*ssh.Certificate
	if id != nil && id.cert != nil {
		certs = append(certs, id.cert)
	}
	for _, path := range l.offer.settings.certificates {
		if pub, err := readPublic(path); err == nil {
			if c, ok := pub.(*ssh.Certificate); ok {
				certs = append(certs, c)
			}
		}
	}
	for _, c := range certs {
		// It fails for a certificate of another key, which is not ours to show.
		if cs, err := ssh.NewCertSigner(c, s); err == nil {
			l.append(cs, from+", certificate "+c.KeyId)
		}
	}
	l.append(s, from)
}

func (l *signerList) append(s ssh.Signer, from string) {
	if findKey(l.out, s.PublicKey()) != nil {
		return
	}
	pub := s.PublicKey()
	l.offer.tried = append(l.offer.tried, fmt.Sprintf("%s %s (%s)", pub.Type(), ssh.FingerprintSHA256(pub), from))
	l.out = append(l.out, patientSigner{s, l.offer.limit})
}

// fileSigner asks for the passphrase only when a server wants the key.
type fileSigner struct {
	offer *offer
	id    *identity
}

func (s *fileSigner) PublicKey() ssh.PublicKey { return s.id.pub }

func (s *fileSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

func (s *fileSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	key, err := s.offer.keys.unlock(s.offer.ctx, s.id)
	if err != nil {
		s.offer.err = err
		return nil, err
	}
	return sign(key, rand, data, algorithm)
}

// patientSigner stops the handshake's clock while a person types a passphrase
// or touches a security key.
type patientSigner struct {
	ssh.Signer
	limit *stopwatch
}

func (s patientSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

func (s patientSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	defer s.limit.pause()()
	return sign(s.Signer, rand, data, algorithm)
}

func sign(key ssh.Signer, rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if as, ok := key.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return key.Sign(rand, data)
}
