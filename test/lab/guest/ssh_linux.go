package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"
)

// SSH is the server's SSH daemon: root, by public key; commands, a shell, and
// forwarding for those who come through as a jump host.
func SSH() int {
	tell := os.NewFile(3, "ready")
	config, err := sshConfig()
	if err != nil {
		fmt.Printf("sshd: %v\r\n", err)
		return 1
	}
	l, err := net.Listen("tcp", ":22")
	if err != nil {
		fmt.Printf("sshd: %v\r\n", err)
		return 1
	}
	_, _ = tell.Write([]byte{1})
	_ = tell.Close()
	for {
		c, err := l.Accept()
		if err != nil {
			fmt.Printf("sshd: %v\r\n", err)
			return 1
		}
		go login(c, config)
	}
}

func sshConfig() (*ssh.ServerConfig, error) {
	text, err := os.ReadFile(hostKey)
	if err != nil {
		return nil, fmt.Errorf("read the host key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("read the host key: %w", err)
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("read the host name: %w", err)
	}
	config := &ssh.ServerConfig{
		PublicKeyCallback: admit,
		// The comment (RFC 4253, section 4.2) tells a caller who answers.
		ServerVersion: "SSH-2.0-havip_lab " + name,
	}
	config.AddHostKey(key)
	return config, nil
}

// admit reads the keys at each login: they may be edited while it runs.
func admit(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	if c.User() != "root" {
		return nil, fmt.Errorf("no such user %q", c.User())
	}
	text, err := os.ReadFile(authorizedKeys)
	if err != nil {
		return nil, fmt.Errorf("read the authorized keys: %w", err)
	}
	for line := range bytes.Lines(text) {
		allowed, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err == nil && bytes.Equal(allowed.Marshal(), key.Marshal()) {
			return &ssh.Permissions{}, nil
		}
	}
	return nil, errors.New("the key is not authorized")
}

func login(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		switch channel.ChannelType() {
		case "session":
			go session(channel)
		case "direct-tcpip":
			go forward(channel)
		default:
			_ = channel.Reject(ssh.UnknownChannelType, "not known here")
		}
	}
}

// forward connects a channel to an address (RFC 4254, section 7.2).
func forward(asked ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Originator string
		From       uint32
	}
	if err := ssh.Unmarshal(asked.ExtraData(), &to); err != nil {
		_ = asked.Reject(ssh.ConnectionFailed, "cannot read where to")
		return
	}
	far, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = asked.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer far.Close()
	channel, requests, err := asked.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(far, channel)
		_ = far.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		_, _ = io.Copy(channel, far)
		_ = channel.CloseWrite()
	})
	both.Wait()
}
