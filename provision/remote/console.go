package remote

import (
	"bufio"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The block that cloud-init prints on the console at the first boot
// (cloudinit/config/cc_keys_to_console.py, tools/write-ssh-key-fingerprints).
const (
	consoleBegin = "-----BEGIN SSH HOST KEY KEYS-----"
	consoleEnd   = "-----END SSH HOST KEY KEYS-----"
)

var (
	// ECMA-48 control sequences: systemd colours its boot messages.
	escapes = regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])`)
	// A key, whatever stands before it: a kernel time, "cloud-init[512]:".
	consoleKey = regexp.MustCompile(`(?:^|\s)((?:ssh-|ecdsa-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*)`)
)

// ParseConsoleKeys reads the host keys out of a server's console log. A server
// that was rebuilt prints a second block; the last one counts. Other programs
// print into the block as well: what is no key is passed over.
func ParseConsoleKeys(text string) []ssh.PublicKey {
	var keys, block []ssh.PublicKey
	inside := false
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimRight(escapes.ReplaceAllString(lines.Text(), ""), "\r")
		switch {
		case strings.Contains(line, consoleBegin):
			inside, block = true, nil
		case strings.Contains(line, consoleEnd):
			// A log that lost the beginning of the block is not trusted to
			// hold all of it.
			if inside && len(block) > 0 {
				keys = block
			}
			inside = false
		case inside:
			m := consoleKey.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m[1])); err == nil {
				block = append(block, key)
			}
		}
	}
	return keys
}
