package apply

import (
	"sync"

	"github.com/havip/havip/provision/plan"
)

// wave holds back jobs that nothing in the cloud waits for, tags above all,
// until the early actions have ended, and runs them at once then. Run as each
// action ends they would trail behind the slowest branch one by one, and make
// the run's longest chain of requests longer.
type wave struct {
	mu    sync.Mutex
	early map[string]bool // IDs of the early actions that go on
	queue map[string][]func() error
	errs  []error
	ok    bool // nothing failed in the wave
	wg    sync.WaitGroup
	over  chan struct{} // closed when all jobs of the wave have ended
}

// newWave is the wave of a plan; without early actions it is over.
func newWave(actions []plan.Action) *wave {
	w := &wave{early: early(actions), queue: map[string][]func() error{}, over: make(chan struct{})}
	if len(w.early) == 0 {
		w.ok = true
		close(w.over)
	}
	return w
}

// early are the actions in the cloud that need none on a server, be it by way
// of others.
func early(actions []plan.Action) map[string]bool {
	is := make(map[string]bool, len(actions))
	for _, a := range actions {
		is[a.ID] = a.Server == ""
	}
	for again := true; again; {
		again = false
		for _, a := range actions {
			for _, need := range a.Needs {
				if is[a.ID] && !is[need] {
					is[a.ID], again = false, true
				}
			}
		}
	}
	for id, yes := range is {
		if !yes {
			delete(is, id)
		}
	}
	return is
}

// add registers a job on an object. Jobs on one object run one after the
// other: Neutron answers 500 when an object is tagged twice at once.
func (w *wave) add(object string, job func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.early) > 0 {
		w.queue[object] = append(w.queue[object], job)
		return
	}
	w.wg.Go(func() { w.note(job()) })
}

// end tells that an action has ended, in whatever way. The last early one lets
// the wave go.
func (w *wave) end(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.early[id] {
		return
	}
	delete(w.early, id)
	if len(w.early) > 0 {
		return
	}
	var running sync.WaitGroup
	for _, jobs := range w.queue {
		running.Go(func() {
			for _, job := range jobs {
				w.note(job())
			}
		})
	}
	w.wg.Go(func() {
		running.Wait()
		w.mu.Lock()
		w.ok = len(w.errs) == 0
		w.mu.Unlock()
		close(w.over)
	})
}

func (w *wave) note(err error) {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errs = append(w.errs, err)
	}
}

// passed waits until the wave is over and tells whether all of it succeeded.
func (w *wave) passed() bool {
	<-w.over
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ok
}

// wait waits for all jobs. No action may go on by then.
func (w *wave) wait() []error {
	w.wg.Wait()
	return w.errs
}
