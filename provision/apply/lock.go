package apply

import (
	"fmt"
	"strings"
	"time"
)

// Lock says who works on a group and until when. It stands in the description
// of the group's security group, which is written under If-Match: tags cannot
// lock, for adding one twice succeeds, and the VIP port's revision moves with
// each claim on OVN.
type Lock struct {
	Holder string
	Until  time.Time
}

const lockMark = " havip:lock="

// In is mark with the lock added.
func (l Lock) In(mark string) string {
	return mark + lockMark + l.Holder + "@" + l.Until.UTC().Format(time.RFC3339)
}

// ParseLock finds the lock in a description; rest is the description without.
func ParseLock(description string) (l Lock, rest string) {
	rest, text, ok := strings.Cut(description, lockMark)
	if !ok {
		return Lock{}, rest
	}
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return Lock{}, rest
	}
	until, err := time.Parse(time.RFC3339, text[i+1:])
	if err != nil {
		return Lock{}, rest
	}
	return Lock{Holder: text[:i], Until: until}, rest
}

// LockedError says that another run works on the group.
type LockedError struct {
	Group string
	Lock  Lock
}

func (e *LockedError) Error() string {
	if e.Lock.Holder == "" {
		return fmt.Sprintf("group %q is being made by another run", e.Group)
	}
	return fmt.Sprintf("group %q is being changed by %s", e.Group, e.Lock.Holder)
}

// Hint tells what to do about it.
func (e *LockedError) Hint() string {
	if e.Lock.Until.IsZero() {
		return "run it again when the other run is over"
	}
	return "wait for it to end; should it have died, its lock runs out at " + e.Lock.Until.Local().Format(time.TimeOnly)
}
