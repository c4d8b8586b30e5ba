package machine

import (
	"os"
	"strings"
	"sync"
)

// console keeps what a server prints.
type console struct {
	last   string // of a boot that went well
	booted func()
	up     chan struct{}
	mu     *sync.Mutex
	text   *strings.Builder
}

func newConsole(name string, booted func()) console {
	if booted == nil {
		booted = func() {}
	}
	return console{last: name + " is up\r\n", booted: booted, up: make(chan struct{}), mu: &sync.Mutex{}, text: &strings.Builder{}}
}

// String is everything so far.
func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// follow copies what comes by r, until the last one that writes has ended.
func (c *console) follow(r *os.File) {
	go func() {
		defer r.Close()
		buffer := make([]byte, 4096)
		this := "" // what this boot printed
		for {
			n, err := r.Read(buffer)
			if err != nil {
				return
			}
			c.mu.Lock()
			c.text.Write(buffer[:n])
			c.mu.Unlock()
			before := strings.Contains(this, c.last)
			this += string(buffer[:n])
			if before || !strings.Contains(this, c.last) {
				continue
			}
			c.booted()
			select {
			case <-c.up:
			default:
				close(c.up)
			}
		}
	}()
}
