package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheLogTellsEachEventAndWhatWasLost(t *testing.T) {
	tests := []struct {
		name    string
		journal string // JOURNAL_STREAM
		time    bool
		want    string
	}{
		{"beside journald, which has the time and takes the severity", "8:1234", false, `<6>INFO msg=transition vrid=51 family=ipv6 from=init to=backup reason=started
<4>WARN msg="events were lost: the log is slower than they came" count=3
<6>INFO msg=check detail="ssh failed: connection refused"
`},
		{"elsewhere", "", true, `INFO msg=transition vrid=51 family=ipv6 from=init to=backup reason=started
WARN msg="events were lost: the log is slower than they came" count=3
INFO msg=check detail="ssh failed: connection refused"
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", tt.journal)
			source := script()
			source.events[1].Seq = 5 // 2 to 4 were overwritten
			var b bytes.Buffer
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // writes what is there, then ends
			logEvents(ctx, source, newLogger(stderrSink(&b)))
			var got strings.Builder
			for line := range strings.Lines(b.String()) {
				before, rest, _ := strings.Cut(line, "level=")
				if tt.time {
					if !strings.HasPrefix(before, "time=") {
						t.Errorf("a line without its time: %s", line)
					}
					before = ""
				}
				got.WriteString(before + rest)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
	if level("announce") >= slog.LevelInfo {
		t.Error("each refresh of an announcement is in the log")
	}
}

func TestEachSeverityHasItsWriter(t *testing.T) {
	var got [4]bytes.Buffer
	log := newLogger(sink{&got[0], &got[1], &got[2], &got[3], true})
	log.Debug("d")
	log.Info("i")
	log.Warn("w", "a", 1)
	log.With("b", 2).WithGroup("g").Error("e", "c", 3)
	for i, want := range []string{"", "level=INFO msg=i\n", "level=WARN msg=w a=1\n", "level=ERROR msg=e b=2 g.c=3\n"} {
		if diff := cmp.Diff(want, got[i].String()); diff != "" {
			t.Errorf("severity %d (-want +got):\n%s", i, diff)
		}
	}
}

// What a writer does not take is an error of the handler, not a line half lost.
func TestASeverityPassesErrorsOn(t *testing.T) {
	full := errors.New("no space left")
	for name, w := range map[string]interface{ Write([]byte) (int, error) }{
		"syslog": severity(func(string) error { return full }),
	} {
		if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, full) {
			t.Errorf("%s: %d %v", name, n, err)
		}
	}
}

func TestAStormOfOneMessageIsBoundedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log := newLogger(sink{&b, &b, &b, &b, true})
		const storm = 100_000
		for range storm {
			log.Warn("drop")
		}
		log.Info("transition")
		if n := strings.Count(b.String(), "msg=drop"); n != logBurst {
			t.Errorf("%d lines of a storm, want %d", n, logBurst)
		}
		if !strings.HasSuffix(b.String(), "level=INFO msg=transition\n") {
			t.Error("the storm hid another message")
		}
		time.Sleep(time.Second)
		b.Reset()
		log.Warn("drop", "reason", "ttl")
		log.Warn("drop")
		want := fmt.Sprintf("level=WARN msg=drop reason=ttl left_out_before=%d\nlevel=WARN msg=drop\n", storm-logBurst)
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("after the storm (-want +got):\n%s", diff)
		}
	})
}

func TestMessagesThatAreMadeOfDataShareABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log := newLogger(sink{&b, &b, &b, &b, true})
		for i := range 10_000 {
			log.Info(fmt.Sprint("message ", i))
		}
		if n := strings.Count(b.String(), "\n"); n != maxMessages+logBurst {
			t.Errorf("%d lines, want %d", n, maxMessages+logBurst)
		}
	})
}

// hanging is a reader of the log that takes one line and no more until it is let go.
type hanging struct {
	b     bytes.Buffer
	letGo chan struct{}
}

func (h *hanging) Write(line []byte) (int, error) {
	<-h.letGo
	return h.b.Write(line)
}

func TestALogThatHangsHoldsUpNobodyAndSaysWhatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := newQueue()
		defer close(lines)
		h := &hanging{letGo: make(chan struct{})}
		log := newLogger(lines.sink(sink{h, h, h, h, true}))
		const messages = 20
		for i := range messages * logBurst { // more than have room
			log.Info(fmt.Sprint("message ", i%messages))
		}
		began := time.Now()
		if lines.flush(flushLimit); time.Since(began) != flushLimit {
			t.Errorf("the end waits %v for it", time.Since(began))
		}
		close(h.letGo)
		synctest.Wait()
		written := strings.Count(h.b.String(), "\n")
		if written < queueLines || written > queueLines+1 {
			t.Errorf("%d lines were kept, want those that fit, %d", written, queueLines)
		}
		for i := range messages {
			log.Info(fmt.Sprint("message ", i))
		}
		lines.flush(flushLimit)
		lost := 0
		for line := range strings.Lines(h.b.String()) {
			var n int
			if _, counts, ok := strings.Cut(line, "left_out_before="); ok {
				fmt.Sscan(counts, &n)
			}
			lost += n
		}
		if want := messages*logBurst - written; lost != want {
			t.Errorf("%d lines are said to be lost, want %d:\n%s", lost, want, h.b.String())
		}
	})
}
