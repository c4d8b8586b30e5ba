package metrics

import (
	"net/http"
	"testing"
	"time"
)

func TestAFewConnectionsAreTakenAtOnceAndTheOthersAtAPace(t *testing.T) {
	var p paced
	now := time.Now()
	for _, step := range []struct {
		rest time.Duration // before it
		at   int           // how many come at once
		want time.Duration // what the last one waits
	}{
		{0, acceptBurst, 0},
		{0, 1, acceptEvery},
		{acceptEvery, 3, 3 * acceptEvery},
		{3*acceptEvery + acceptEvery/2, 1, acceptEvery / 2},
		{time.Hour, acceptBurst + 2, 2 * acceptEvery},
	} {
		now = now.Add(step.rest)
		var got time.Duration
		for range step.at {
			got = p.wait(now)
		}
		if got != step.want {
			t.Errorf("%d connections %v after those before: the last waits %v, want %v", step.at, step.rest, got, step.want)
		}
	}
}

// Who keeps a connection and asks on it must not get around the pace.
func TestWhoAsksWithoutEndIsAnsweredAtAPace(t *testing.T) {
	began := time.Now()
	_, address := start(t, healthy)
	for range acceptBurst + 5 {
		resp, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); !resp.Close {
			t.Fatal("the connection is kept")
		}
	}
	if took := time.Since(began); took < 5*acceptEvery {
		t.Errorf("%d answers took %v", acceptBurst+5, took)
	}
}
