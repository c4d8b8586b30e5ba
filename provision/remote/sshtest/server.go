package sshtest

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Behaviour is what a server is and does.
type Behaviour struct {
	Key   ssh.Signer // its host key
	Admit func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error)
	// Run answers a command: it reads and writes the channel and returns the
	// exit code.
	Run func(user, command string, ch ssh.Channel) (code uint32)
}

// Server listens on loopback until its test ends.
type Server struct {
	Addr *net.TCPAddr

	does     Behaviour
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	dials int
}

// Start starts one.
func Start(t testing.TB, does Behaviour) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().(*net.TCPAddr), does: does, listener: l}
	s.serving.Go(s.listen)
	t.Cleanup(func() {
		s.Close()
		s.Cut()
		s.serving.Wait()
	})
	return s
}

// Close stops listening. Connections stay.
func (s *Server) Close() { s.listener.Close() }

// Cut cuts all connections.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

// Dials is how many connections there were.
func (s *Server) Dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

func (s *Server) listen() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.dials++
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		s.serving.Go(func() { s.serve(c) })
	}
}

func (s *Server) serve(c net.Conn) {
	defer c.Close()
	config := &ssh.ServerConfig{PublicKeyCallback: s.does.Admit}
	config.AddHostKey(s.does.Key)
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	var open sync.WaitGroup
	defer open.Wait()
	open.Go(func() { ssh.DiscardRequests(requests) })
	for nc := range channels {
		switch nc.ChannelType() {
		case "session":
			open.Go(func() { s.session(nc, conn.User()) })
		case "direct-tcpip":
			open.Go(func() { forward(nc) })
		default:
			_ = nc.Reject(ssh.UnknownChannelType, "")
		}
	}
}

// session answers one command.
func (s *Server) session(nc ssh.NewChannel, user string) {
	ch, requests, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range requests {
		var exec struct{ Command string }
		if r.Type != "exec" || ssh.Unmarshal(r.Payload, &exec) != nil {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		code := s.does.Run(user, exec.Command, ch)
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
		return
	}
}

// forward connects a channel to an address (RFC 4254, section 7.2).
func forward(nc ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Originator string
		From       uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &to); err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	out, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, requests, err := nc.Accept()
	if err != nil {
		out.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { ssh.DiscardRequests(requests) })
	both.Go(func() {
		_, _ = io.Copy(ch, out)
		ch.Close()
	})
	_, _ = io.Copy(out, ch)
	out.Close()
	both.Wait()
}
