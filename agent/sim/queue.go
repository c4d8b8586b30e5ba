package sim

import "time"

// queue holds what will happen, in order of time; what happens at the same
// time, in the order in which it was put there. It is a binary heap.
type queue struct {
	entries []entry
	count   uint64
}

type entry struct {
	at    time.Duration
	order uint64
	do    func()
}

func (e entry) before(o entry) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

func (q *queue) push(at time.Duration, do func()) {
	q.count++
	q.entries = append(q.entries, entry{at, q.count, do})
	for i := len(q.entries) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q.entries[i].before(q.entries[parent]) {
			return
		}
		q.entries[i], q.entries[parent] = q.entries[parent], q.entries[i]
		i = parent
	}
}

// next is when the first happens; false when nothing will.
func (q *queue) next() (time.Duration, bool) {
	if len(q.entries) == 0 {
		return 0, false
	}
	return q.entries[0].at, true
}

func (q *queue) pop() func() {
	first := q.entries[0].do
	last := len(q.entries) - 1
	q.entries[0] = q.entries[last]
	q.entries[last] = entry{}
	q.entries = q.entries[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.entries[child].before(q.entries[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		q.entries[i], q.entries[least] = q.entries[least], q.entries[i]
		i = least
	}
}
