package vrrp

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt with what the machines do now")

// TestConversations plays testdata/*.txt: commands, each followed by what the
// machines did, below a line of dashes. Lines with # are comments.
//
//	members a=250 b=249 [routers=N] [interval=400ms] [version=2]
//	                 [preempt] [preemptdelay=D] [startdelay=D]
//	start|stop|takeover|sick|well|linkdown|linkup|pause|resume|kill NAME...
//	cut NAME NAME    no advertisement passes between the two, as announcements do
//	part NAME NAME   nothing passes
//	oneway FROM TO   no advertisement passes from the one to the other
//	                 (with routers=N these and links take NAME/VRID: one router of it)
//	heal             all pass again
//	macs NAME...     their MACs rise in this order
//	reload NAME [priority=N] [interval=D]
//	run DURATION
//	status
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(want)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("conversation (-want +got), -update writes it anew:\n%s", diff)
			}
		})
	}
}

// play runs the commands of a conversation and returns it with what happened.
func play(script []byte) ([]byte, error) {
	var out bytes.Buffer
	c := &conversation{wire: newWire(func(line string) { fmt.Fprintln(&out, line) }), blocked: map[path]bool{}}
	c.wire.deliver = func(from, to *node, what kind, router int) (time.Duration, bool) {
		return ms, !c.blocked[path{from, to, what, router}]
	}

	output := false // inside what an earlier run wrote
	lines := bufio.NewScanner(bytes.NewReader(script))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case line == "":
			output = false
			fmt.Fprintln(&out)
		case output:
		case strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		case line == "----":
			output = true
		default:
			fmt.Fprintf(&out, "%s\n----\n", line)
			if err := c.do(strings.Fields(line)); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	return out.Bytes(), lines.Err()
}

type conversation struct {
	*wire
	blocked map[path]bool
}

// path is the way of one router's advertisements or announcements.
type path struct {
	from, to *node
	what     kind
	router   int
}

// event is what a command hands each machine that it names.
func event(command string) (Event, bool) {
	switch command {
	case "start":
		return Start{}, true
	case "stop":
		return Shutdown{}, true
	case "takeover":
		return TakeOver{}, true
	case "sick":
		return Health{OK: false}, true
	case "well":
		return Health{OK: true}, true
	}
	return nil, false
}

func (c *conversation) do(words []string) error {
	command, args := words[0], words[1:]
	if ev, ok := event(command); ok {
		for _, name := range args {
			c.all(c.node(name), ev)
		}
		return nil
	}
	switch command {
	case "linkdown", "linkup":
		for _, arg := range args {
			name, router := c.router(arg)
			c.tell(c.node(name), max(router, 0), Link{Up: command == "linkup", Why: "no carrier"})
		}
	case "members":
		return c.members(args)
	case "reload":
		n := c.node(args[0])
		cfg, err := configure(n.m.Config(), args[1:])
		if err != nil {
			return err
		}
		c.tell(n, 0, Reconfigured{Config: cfg})
	case "kill":
		c.node(args[0]).dead = true
	case "pause", "resume":
		c.node(args[0]).paused = command == "pause"
	case "cut":
		c.block(args[0], args[1], advertisement, true)
		c.block(args[1], args[0], advertisement, true)
	case "part":
		for _, what := range []kind{advertisement, announcement} {
			c.block(args[0], args[1], what, true)
			c.block(args[1], args[0], what, true)
		}
	case "oneway":
		c.block(args[1], args[0], advertisement, false)
		c.block(args[0], args[1], advertisement, true)
	case "macs":
		for i, name := range args {
			c.node(name).mac = i
		}
	case "heal":
		clear(c.blocked)
	case "run":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		c.run(d)
	case "status":
		c.status()
	default:
		return fmt.Errorf("unknown command %q", command)
	}
	return nil
}

// router splits "a/52" into a member and the index of its router; -1 is any.
func (c *conversation) router(arg string) (name string, router int) {
	name, vrid, one := strings.Cut(arg, "/")
	if !one {
		return name, -1
	}
	n, err := strconv.Atoi(vrid)
	if err != nil {
		panic(err)
	}
	return name, n - 51
}

func (c *conversation) block(from, to string, what kind, on bool) {
	from, r1 := c.router(from)
	to, r2 := c.router(to)
	a, b, router := c.node(from), c.node(to), max(r1, r2)
	for i := range a.routers {
		if router < 0 || router == i {
			c.blocked[path{a, b, what, i}] = on
		}
	}
}

func (c *conversation) members(args []string) error {
	var cfg Config
	var names, settings []string
	routers := 1
	for _, arg := range args {
		switch key, value, _ := strings.Cut(arg, "="); {
		case len(key) == 1:
			names = append(names, arg)
		case key == "routers":
			routers, _ = strconv.Atoi(value)
		default:
			settings = append(settings, arg)
		}
	}
	cfg, err := configure(Config{Interval: 400 * ms}, settings)
	if err != nil {
		return err
	}
	for _, arg := range names {
		name, priority, _ := strings.Cut(arg, "=")
		if cfg, err = configure(cfg, []string{"priority=" + priority}); err != nil {
			return err
		}
		c.add(name, slices.Repeat([]Config{cfg}, routers)...)
	}
	return nil
}

func configure(cfg Config, settings []string) (Config, error) {
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		var err error
		switch key {
		case "priority":
			cfg.Priority, err = strconv.Atoi(value)
		case "interval":
			cfg.Interval, err = time.ParseDuration(value)
		case "preempt":
			cfg.Preempt = true
		case "version":
			cfg.Version, err = strconv.Atoi(value)
		case "preemptdelay":
			cfg.PreemptDelay, err = time.ParseDuration(value)
		case "startdelay":
			cfg.StartDelay, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("unknown setting %q", key)
		}
		if err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

func (c *conversation) status() {
	for _, n := range c.nodes {
		vips, state := "", string(n.m.State())
		if c.holds(n) {
			vips = ", VIPs"
		}
		if n.dead {
			state = "ended"
		}
		blocked := ""
		if b, ok := n.m.Blocked(c.now); ok {
			blocked = ", blocked: does not hear " + b.Peer.String()
			if b.Deaf {
				blocked = ", blocked: not heard by " + b.Peer.String()
			}
		}
		c.log(fmt.Sprintf("%s %s at %d%s%s", n.name, state, n.m.Priority(), vips, blocked))
	}
}
