package demo

import (
	"net"
	"sync"
	"testing"
	"time"
)

func TestSilenceIsFromTheFirstLostCallToTheNextAnswer(t *testing.T) {
	start := time.Now()
	at := func(ms int, by string) call { return call{start.Add(time.Duration(ms) * time.Millisecond), by} }
	w := &watcher{calls: []call{
		at(120, "b"), at(0, "a"), at(20, "a"), at(40, ""), at(80, ""), at(60, ""), at(100, "b"), at(140, ""), at(160, "b"), at(180, ""),
	}}
	if got, want := w.silence(), 60*time.Millisecond; got != want {
		t.Errorf("silence %v, want %v", got, want)
	}
	if got, want := w.lost(), 5; got != want {
		t.Errorf("%d calls lost, want %d", got, want)
	}
}

func TestTheCallerTellsWhoAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	name := "one"
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			_, _ = c.Write([]byte("SSH-2.0-test " + name + "\r\n"))
			mu.Unlock()
			c.Close()
		}
	}()
	w := watch(t.Context(), l.Addr().String())
	defer w.stop()
	if err := w.answeredBy(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	name = "two"
	mu.Unlock()
	if by, err := w.answeredByAnother(t.Context(), "one"); err != nil || by != "two" {
		t.Errorf("answered by %q (%v), want two", by, err)
	}
	w.stop()
	if w.made() == 0 {
		t.Error("no call was kept")
	}
}
