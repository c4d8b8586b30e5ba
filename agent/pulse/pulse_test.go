package pulse_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/pulse"
)

// road is an asker whose answers take latency, and do not come for what is asked
// between from and to.
type road struct {
	start    time.Time
	from, to time.Duration
	latency  time.Duration
	refuse   bool
}

func (r road) Ask(ctx context.Context) error {
	at := time.Since(r.start)
	if at >= r.from && at < r.to {
		if r.refuse {
			return errors.New("connection refused")
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	time.Sleep(r.latency)
	return nil
}

// run asks along a road for so long.
func run(t *testing.T, r road, every, length time.Duration) []api.Beat {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	r.start = time.Now()
	var beats []api.Beat
	if err := pulse.Run(ctx, r, every, r.start, func(b api.Beat) { beats = append(beats, b) }); err != nil {
		t.Fatal(err)
	}
	return beats
}

func TestASilenceIsMeasuredWithinTwoPaces(t *testing.T) {
	for _, every := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond} {
		for _, cut := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
			for _, refuse := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					const from, length = 1003 * time.Millisecond, 6 * time.Second
					beats := run(t, road{from: from, to: from + cut, latency: 300 * time.Microsecond, refuse: refuse}, every, length)
					s := pulse.Sum(beats, every, 0, length)
					if d := s.Silence - cut; d < -2*every || d > 2*every {
						t.Errorf("every %s, cut for %s, refused %v: a silence of %s", every, cut, refuse, s.Silence)
					}
					if cut > 0 && (s.From < from-2*every || s.From > from || s.To < from+cut || s.To > from+cut+2*every) {
						t.Errorf("every %s, cut for %s: it was from %s to %s", every, cut, s.From, s.To)
					}
					if want := int(length / every); s.Asked < want-1 || s.Asked > want+1 {
						t.Errorf("every %s: asked %d times in %s", every, s.Asked, length)
					}
					if want := int(cut / every); s.Lost < want-1 || s.Lost > want+1 {
						t.Errorf("every %s, cut for %s: %d lost", every, cut, s.Lost)
					}
					if s.Asked != s.Answered+s.Lost {
						t.Errorf("%d asked, %d answered, %d lost", s.Asked, s.Answered, s.Lost)
					}
				})
			}
		}
	}
}

func TestAnAnswerThatIsLateEndsTheSilenceWhenItComes(t *testing.T) {
	ms := func(n int) api.Duration { return api.Duration(time.Duration(n) * time.Millisecond) }
	beats := []api.Beat{{Sent: ms(0), Heard: ms(1)}}
	for at := 50; at < 700; at += 50 {
		beats = append(beats, api.Beat{Sent: ms(at), Heard: ms(700)}) // waited in a neighbour cache
	}
	beats = append(beats, api.Beat{Sent: ms(700), Heard: ms(701)})
	s := pulse.Sum(beats, 50*time.Millisecond, 0, 750*time.Millisecond)
	if s.Lost != 0 || s.Silence != 649*time.Millisecond {
		t.Errorf("%d lost and a silence of %s, want 0 and 649ms", s.Lost, s.Silence)
	}
}

func TestWhatDoesNotComeBackIsASilenceToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every, length = 50 * time.Millisecond, 4 * time.Second
		beats := run(t, road{from: time.Second, to: time.Hour}, every, length)
		s := pulse.Sum(beats, every, 0, length)
		if s.Silence < 2900*time.Millisecond || s.Silence > 3100*time.Millisecond {
			t.Errorf("a silence of %s, want 3s", s.Silence)
		}
		if !slices.ContainsFunc(beats, func(b api.Beat) bool { return b.Err == "no answer within 900ms" }) {
			t.Error("no beat says that there was no answer")
		}
	})
}

func TestQuestionsThatCannotBeAskedInTimeAreSkippedAndNotLost(t *testing.T) {
	const every = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var beats []api.Beat
	// The first question keeps the scheduler: it is asked on the caller's time.
	start := time.Now()
	err := pulse.Run(ctx, road{start: start, to: -1}, every, start, func(b api.Beat) {
		if beats = append(beats, b); len(beats) > 20 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	sent, skipped := 0, 0
	for _, b := range beats {
		sent, skipped = sent+1, skipped+b.Skipped
		// However busy this machine is, the schedule holds: a beat is not before its slot.
		if slot := time.Duration(sent-1+skipped) * every; time.Duration(b.Sent) < slot-every {
			t.Errorf("beat %d was sent at %s, before its slot at %s", b.Seq, b.Sent, slot)
		}
	}
}

// Who asks is busy, or is not heard itself: nothing is known of the address then.
func TestWhatNobodyAskedIsNoSilence(t *testing.T) {
	const every = 50 * time.Millisecond
	type span [2]int // milliseconds
	for name, tt := range map[string]struct {
		silent, gap     span // without answers, and without questions
		length, unasked int
	}{
		"it answered before and after":    {span{}, span{1000, 4000}, 0, 2950},
		"it was silent before and after":  {span{500, 4500}, span{1000, 4000}, 1000, 2950},
		"it was silent before":            {span{500, 2000}, span{1000, 4000}, 450, 2950},
		"it was silent after":             {span{2000, 4500}, span{1000, 4000}, 500, 2950},
		"until the end":                   {span{}, span{1000, 9000}, 0, 3950},
		"from the beginning":              {span{}, span{0, 4000}, 0, 3950},
		"never":                           {span{}, span{0, 9000}, 0, 4950},
		"for a moment, and it answered":   {span{}, span{1000, 1300}, 0, 250},
		"for a moment, and it was silent": {span{500, 1500}, span{1000, 1300}, 950, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var beats []api.Beat
			for at := 0; at < 5000; at += 50 {
				b := api.Beat{Sent: api.Duration(time.Duration(at) * time.Millisecond)}
				if at < tt.silent[0] || at >= tt.silent[1] {
					b.Heard = b.Sent + api.Duration(time.Millisecond)
				}
				if at < tt.gap[0] || at >= tt.gap[1] {
					beats = append(beats, b)
				}
			}
			var longest pulse.Silence
			for _, s := range pulse.Silences(beats, every, 0, 5*time.Second) {
				if s.Length+s.Unasked > longest.Length+longest.Unasked {
					longest = s
				}
			}
			near := func(got time.Duration, want int) bool {
				return (got - time.Duration(want)*time.Millisecond).Abs() <= every+2*time.Millisecond
			}
			if !near(longest.Length, tt.length) || !near(longest.Unasked, tt.unasked) {
				t.Errorf("a silence of %s, and %s in which nothing was asked; want %d and %d ms", longest.Length, longest.Unasked, tt.length, tt.unasked)
			}
		})
	}
}

func TestThePaceHasBounds(t *testing.T) {
	for _, every := range []time.Duration{0, time.Microsecond, time.Minute} {
		if err := pulse.Run(t.Context(), road{}, every, time.Now(), nil); err == nil {
			t.Errorf("a pace of %s was taken", every)
		}
	}
}

func TestTargetsAnswerOnThisMachine(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler()) // an answer all the same
	defer web.Close()
	at := netip.MustParseAddrPort(web.Listener.Addr().String())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := netip.MustParseAddrPort(silent.Addr().String())
	if err := silent.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, target string
		addr         netip.Addr
		ok           bool
	}{
		{"a port that is open", "tcp:" + port(at), at.Addr(), true},
		{"a port that is closed", "tcp:" + port(closed), at.Addr(), false},
		{"a page", "http://name.example:" + port(at) + "/health", at.Addr(), true},
		{"echo over IPv4", "icmp", netip.MustParseAddr("127.0.0.1"), true},
		{"echo over IPv6", "icmp", netip.MustParseAddr("::1"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asker, err := pulse.Target(tt.target).Open(tt.addr)
			if err != nil && tt.target == "icmp" && os.Getenv("HAVIP_REQUIRE_NETNS") != "1" {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer asker.Close()
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				if err := asker.Ask(ctx); (err == nil) != tt.ok {
					t.Errorf("the answer is %v", err)
				}
				cancel()
			}
		})
	}
}

func port(a netip.AddrPort) string {
	return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port()).String()[8:]
}

func TestATargetThatIsNoneIsRefused(t *testing.T) {
	for _, target := range []string{"", "tcp:", "tcp:0", "tcp:99999", "ssh", "ftp://x"} {
		if _, err := pulse.Target(target).Open(netip.MustParseAddr("127.0.0.1")); err == nil {
			t.Errorf("%q was taken", target)
		}
	}
}
