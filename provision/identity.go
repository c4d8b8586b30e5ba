package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/server"
)

// identify looks whether a connection leads to the server, unless that is known:
// the first look at a server tells it too, and one that was made anew may lead
// elsewhere.
func (l *link) identify(ctx context.Context, conn Connection) error {
	l.mu.Lock()
	known := l.proved == conn || len(l.macs) == 0
	l.mu.Unlock()
	if known {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookTime, errSilent)
	defer cancel()
	found, err := server.MACs(ctx, conn)
	if err != nil {
		return err
	}
	return l.prove(conn, found)
}

// prove takes a connection for the server's when the machine that it leads to
// has the MAC of one of the server's ports. SSH goes where names and addresses
// lead: a name of the user's SSH configuration may be that of another machine, an
// address may have got another owner. A server whose ports are not known cannot
// be told.
func (l *link) prove(conn Connection, found []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.macs) == 0 || slices.ContainsFunc(l.macs, func(mac string) bool {
		return slices.ContainsFunc(found, func(m string) bool { return strings.EqualFold(m, mac) })
	}) {
		l.proved = conn
		return nil
	}
	if l.conn == conn {
		l.drop() // names and addresses may lead to the server again
	}
	name := l.target.ServerName
	return &Problem{
		Message: fmt.Sprintf("SSH leads to another machine, at %s: none of its NICs has the MAC of the server's port (%s)",
			conn.Address(), strings.Join(l.macs, ", ")),
		Cure: fmt.Sprintf("see where SSH goes for %s: ssh -G %s, ssh.host in the group file", name, name),
	}
}

// macsOf are the MACs of a server's ports that were observed.
func macsOf(serverID string, o plan.Observed) []string {
	var all []string
	for _, p := range o.Ports {
		if p.DeviceID == serverID && p.MAC != "" {
			all = append(all, p.MAC)
		}
	}
	return all
}

func macs(nics []plan.NIC) []string {
	var all []string
	for _, n := range nics {
		all = append(all, n.MAC)
	}
	return all
}
