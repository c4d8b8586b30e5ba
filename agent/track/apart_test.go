package track

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// As the kernel hangs: it does not care that the time is over.
func TestALookThatHangsIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		errGone := errors.New("it is not there")
		probe := apart(time.Second, "not ended", func(context.Context) error {
			<-hangs
			return errGone
		})
		began := time.Now()
		if err := probeOnce(t.Context(), probe, 2*time.Second); err == nil || err.Error() != "no answer within 2s" {
			t.Errorf("a look that hangs: %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s, want its time and the grace", took)
		}
		if err := probeOnce(t.Context(), probe, 2*time.Second); err == nil || err.Error() != "not ended" {
			t.Errorf("the next look, while it hangs: %v", err)
		}
		close(hangs)
		synctest.Wait()
		if err := probeOnce(t.Context(), probe, 2*time.Second); !errors.Is(err, errGone) {
			t.Errorf("once it has ended: %v", err)
		}
	})
}
