package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// identity is a key that a file names: the private key, or only the public one
// of a key that the ssh-agent holds.
type identity struct {
	path string
	pub  ssh.PublicKey    // nil for an old PEM file with passphrase and without .pub
	cert *ssh.Certificate // from PATH-cert.pub
	pem  []byte           // with a passphrase; nil for a public key

	mu     sync.Mutex
	signer ssh.Signer // nil while locked
	failed error      // no passphrase, or a wrong one: not asked again
}

// locked tells that the private key is here, but encrypted.
func (id *identity) locked() bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.signer == nil && id.pem != nil
}

// publicOnly tells that the private key is not in the file.
func (id *identity) publicOnly() bool { return id.pem == nil && id.signer == nil }

func readIdentity(path string) (*identity, error) {
	id := &identity{path: path}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		// The private key may live in the agent alone.
		if id.pub, err = readPublic(path + ".pub"); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	} else if err := id.parse(data); err != nil {
		return nil, err
	}
	if pub, err := readPublic(path + "-cert.pub"); err == nil {
		id.cert, _ = pub.(*ssh.Certificate)
	}
	return id, nil
}

func (id *identity) parse(data []byte) error {
	signer, err := ssh.ParsePrivateKey(data)
	if err == nil {
		id.signer, id.pub = signer, signer.PublicKey()
		return nil
	}
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		id.pem, id.pub = data, missing.PublicKey
		if id.pub == nil {
			id.pub, _ = readPublic(id.path + ".pub") // nil: to be asked for at once
		}
		return nil
	}
	if pub, _, _, _, pubErr := ssh.ParseAuthorizedKey(data); pubErr == nil {
		id.pub = pub
		return nil
	}
	return fmt.Errorf("read key %s: %w", id.path, err)
}

func readPublic(path string) (ssh.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	return pub, nil
}
