package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

type promptFunc func(ctx context.Context, text string) (string, error)

// keyring holds what all connections of a Dialer share: private keys, so that
// each passphrase is asked for once, and connections to ssh-agents.
type keyring struct {
	prompt promptFunc
	expand expander
	asking sync.Mutex

	mu     sync.Mutex
	keys   map[string]*identity // by path
	agents map[string]agentConn // by socket
}

type agentConn struct {
	agent.ExtendedAgent
	io.Closer
}

func newKeyring(prompt promptFunc, expand expander) *keyring {
	return &keyring{prompt: prompt, expand: expand, keys: map[string]*identity{}, agents: map[string]agentConn{}}
}

func (k *keyring) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for socket, a := range k.agents {
		errs = append(errs, a.Close())
		delete(k.agents, socket)
	}
	return errors.Join(errs...)
}

// agent connects to the ssh-agent that the configuration names. No agent is no
// error: then there are the files.
func (k *keyring) agent(configured string) (agent.Agent, error) {
	if configured == "none" {
		return nil, nil
	}
	socket := firstOf(configured, k.expand.getenv("SSH_AUTH_SOCK"))
	if socket == "" {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.agents[socket]; ok {
		return a, nil
	}
	conn, err := dialAgent(socket)
	if err != nil {
		return nil, fmt.Errorf("connect to the ssh-agent: %w", err)
	}
	a := agentConn{agent.NewClient(conn), conn}
	k.agents[socket] = a
	return a, nil
}

func dialAgent(socket string) (io.ReadWriteCloser, error) {
	if strings.HasPrefix(socket, `\\.\pipe\`) { // OpenSSH on Windows
		return os.OpenFile(socket, os.O_RDWR, 0)
	}
	return net.Dial("unix", socket)
}

// identity reads a key file, or remembers it.
func (k *keyring) identity(path string) (*identity, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id, ok := k.keys[path]; ok {
		return id, nil
	}
	id, err := readIdentity(path)
	if err != nil {
		return nil, err
	}
	k.keys[path] = id
	return id, nil
}

// unlock makes the key of id usable; it asks for the passphrase at most once,
// however many connections wait for it.
func (k *keyring) unlock(ctx context.Context, id *identity) (ssh.Signer, error) {
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.signer != nil || id.failed != nil {
		return id.signer, id.failed
	}
	if k.prompt == nil {
		return nil, &PassphraseError{Path: id.path, Err: errors.New("it has a passphrase, and there is no terminal to ask for it")}
	}
	// One question at a time on a terminal.
	k.asking.Lock()
	defer k.asking.Unlock()
	passphrase, err := k.prompt(ctx, "Passphrase for key "+id.path+": ")
	if err != nil {
		id.failed = &PassphraseError{Path: id.path, Err: err}
		return nil, id.failed
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(id.pem, []byte(passphrase))
	if err != nil {
		id.failed = &PassphraseError{Path: id.path, Err: errors.New("the passphrase is wrong")}
		return nil, id.failed
	}
	id.signer = signer
	return signer, nil
}
