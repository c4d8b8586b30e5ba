package failover

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// openSSH is the version in an SSH server's first line (RFC 4253 section 4.2).
var openSSH = regexp.MustCompile(`^SSH-2\.0-OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)`)

// Penalises tells whether an SSH server listens there that shuts out for minutes
// who connects often without logging in: OpenSSH from 9.8 on, unless it is told
// otherwise (sshd_config(5), PerSourcePenalties).
func Penalises(ctx context.Context, at netip.AddrPort) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	if limit, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(limit) // a connection that is closed fails next anyway
	}
	line, _ := bufio.NewReader(io.LimitReader(conn, 255)).ReadString('\n') // what came of it
	if strings.HasPrefix(line, "Not allowed at this time") {
		return true // it does so now
	}
	m := openSSH.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1]) // digits
	minor, _ := strconv.Atoi(m[2])
	return major > 9 || major == 9 && minor >= 8
}
