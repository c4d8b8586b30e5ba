package vrrp

import (
	"net/netip"
	"time"

	"github.com/havip/havip/agent/api"
)

// havip's rule for two actives whom advertisements cannot part, because they pass in
// one direction only or in none, while announcements, which are broadcast, do pass:
//
//   - What VRRP does not settle within a down interval, the MAC does. Each active sees
//     that the other is there still, by its advertisements (it is deaf to ours) or by
//     its announcements (its advertisements do not arrive). The one with the greater
//     MAC stays, the other yields; both know both MACs, so they agree. An unhealthy one
//     yields before that.
//   - An active that has seen it announces every second as long as it is active. For
//     the loser an announcement stands for an advertisement with that interval: three
//     missing, and its skew, make it take over. An advertisement heard ends that.
//   - A loser preempts nobody until it hears the winner, whom it had not heard, or has
//     been active again. Else of three members that do not all hear each other each
//     could yield to the next for ever.
//
// Two stations with one MAC are one to the network and to this rule.

const (
	// claimEvery is how often an active announces that sees a contest.
	claimEvery = time.Second
	// claimGap is the longest silence between two announcements of an active that
	// has just become it: 3 s of its schedule, and some delay.
	claimGap = 3500 * time.Millisecond
	// handOver is how long such an active that is unhealthy keeps silent: any healthy
	// loser takes over before, and any unhealthy one later.
	handOver = 4 * claimEvery
	// unproven is how long after a single sign an active announces every claimEvery.
	unproven = 10 * time.Second
	// proof is how many signs of one rival prove a contest. Who yields has announced as
	// often: the winner announces on and on only when it knows of the contest.
	proof = 2
	// again is within what time the second sign has to come.
	again = time.Minute
	// blockedFor is how long advertisements are taken to be blocked after the last
	// sign of it: the silence of a loser tells the winner nothing.
	blockedFor = 30 * time.Second
)

// contest is what an active sees of rivals that do not yield.
type contest struct {
	deaf    run        // advertisements of a rival whom ours beat
	rival   netip.Addr // the latest of them was of
	mute    run        // announcements of rivals whose advertisements do not arrive
	greater time.Time  // the latest announcement of a rival with a greater MAC
	winner  netip.Addr // the rival with a greater MAC that has been there for longest
	seen    time.Time  // its latest announcement
	told    int        // our own announcements since its first
	claims  bool       // it announces every claimEvery
	proven  bool       // and does so for good: it was more than one sign
	silence time.Time  // until when it does not, being unhealthy
}

// run is signs in a row.
type run struct{ since, last time.Time }

// note adds a sign; after a gap it is the first of another row.
func (r *run) note(at time.Time, gap time.Duration) {
	if r.since.IsZero() || at.Sub(r.last) > gap {
		r.since = at
	}
	r.last = at
}

func (r run) length() time.Duration { return r.last.Sub(r.since) }

// Block is advertisements that do not pass between this member and a peer.
type Block struct {
	Peer  netip.Addr
	Since time.Time
	// Deaf: the peer takes no notice of ours; otherwise its own do not arrive.
	Deaf bool

	seen time.Time // the last sign of it
}

// Blocked tells whether advertisements are blocked, as far as the machine knows.
func (m *Machine) Blocked(now time.Time) (Block, bool) {
	b := m.block
	fresh := now.Sub(b.seen) <= max(blockedFor, m.cfg.down(m.cfg.Interval))
	return b, fresh && !b.Since.IsZero()
}

func (m *Machine) noteBlock(now time.Time, peer netip.Addr, deaf bool) {
	if _, known := m.Blocked(now); !known {
		m.block.Since = now
	}
	m.block.Peer, m.block.Deaf, m.block.seen = peer, deaf, now
}

// unheeded tells whether a peer took no notice of us when both were active.
func (m *Machine) unheeded(at time.Time, peer netip.Addr) bool {
	b, ok := m.Blocked(at)
	return ok && b.Deaf && b.Peer == peer
}

// settleTime is how long VRRP has to settle who is active: a down interval, and long
// enough for the loser to announce twice, which tells the winner of the contest. The
// first router of a group decides first: others could know the MACs of other NICs.
func (m *Machine) settleTime() time.Duration {
	settle := max(m.cfg.down(m.cfg.Interval), claimEvery*3/2)
	if m.second {
		return 2*settle + claimGap
	}
	return settle
}

// hearDeaf is word of a rival that should have yielded to us. What came before we
// were active is none: there was nothing to yield to.
func (m *Machine) hearDeaf(now time.Time, ev Received) {
	if ev.At.Before(m.since) {
		return
	}
	c := &m.active.contest
	if !c.mute.since.IsZero() && ev.From == m.claimer.peer { // its advertisements do arrive
		c.mute, m.block = run{}, Block{}
		m.unclaim()
	}
	c.rival = ev.From
	c.deaf.note(ev.At, m.cfg.down(m.intervalOf(ev)))
	length, settle := c.deaf.length(), m.settleTime()
	if length >= settle {
		m.noteBlock(now, ev.From, true)
		if m.unfit() || m.lesser(c.deaf) {
			m.becomeBackup(now, m.followUnheeded(ev), m.whyConcede(), ev.From.String())
			m.conceded = true
			return
		}
	}
	// The rival may be the first to decide, by an interval that is shorter than ours.
	if length >= min(settle, max(3*m.intervalOf(ev), claimEvery)) {
		c.proven = true
		m.claim(now)
	}
}

// followUnheeded is a backup of an active that would not notice a better one,
// whatever its priority is: only its silence or its goodbye counts.
func (m *Machine) followUnheeded(ev Received) backup {
	b := m.follow(ev)
	b.patience = alive
	return b
}

// hearClaim takes the announcement of a peer. An advertisement goes before it, and
// is read before it: when VRRP can settle who is active it mostly has.
func (m *Machine) hearClaim(now time.Time, ev Claimed) {
	if ev.At.IsZero() || ev.At.After(now) {
		ev.At = now
	}
	if m.state == api.Backup {
		m.seeAnnounced(ev)
	}
	switch {
	case !ev.From.IsValid():
	case m.state == api.Backup:
		m.hearClaimAsBackup(ev)
	case m.state == api.Active:
		m.hearClaimAsActive(now, ev)
	}
}

func (m *Machine) hearClaimAsActive(now time.Time, ev Claimed) {
	// The active before us may have announced before it heard our advertisement: of a
	// contest that is a first sign at most. And should the advertisement of the next one
	// be late, we must not announce after it.
	grace := min(m.cfg.Interval, claimEvery)
	c := &m.active.contest
	if ev.At.Before(m.since.Add(grace)) {
		if !ev.At.Before(m.since) {
			m.claimer.note(ev)
		}
		return
	}
	if ev.Greater {
		c.greater = ev.At
	}
	if ev.From == c.rival && ev.At.Sub(c.deaf.last) <= m.cfg.down(m.cfg.Interval) {
		return // it is heard: hearDeaf decides
	}
	if gap := ev.At.Sub(m.claimer.last); ev.From == m.claimer.peer && gap >= claimEvery/2 && gap < again {
		c.proven = true
	}
	m.claimer.note(ev)
	c.mute.note(ev.At, claimGap)
	c.follow(ev)
	m.noteBlock(now, ev.From, false)
	settled := c.mute.length() >= m.settleTime() && c.told >= proof
	if c.proven && m.unfit() || settled && m.lesser(c.mute) {
		m.concedeTo(now, ev)
		return
	}
	m.claim(now.Add(grace))
}

// follow counts what the rival is told to whom this one would yield: it may have come
// when a contest with another one was half over.
func (c *contest) follow(ev Claimed) {
	if !ev.Greater {
		return
	}
	if ev.At.Sub(c.seen) > claimGap {
		c.winner, c.told = ev.From, 0
	}
	if ev.From == c.winner {
		c.seen = ev.At
	}
}

// concedeTo goes to Backup before an active whose advertisements do not arrive.
func (m *Machine) concedeTo(now time.Time, ev Claimed) {
	// What waits in the socket since the announcement is news.
	m.becomeBackup(now, m.listen(ev.At), m.whyConcede(), ev.From.String())
	m.claimer.believed, m.conceded, m.unheard = true, true, ev.From
	m.noteBlock(now, ev.From, false)
}

// lesser tells whether a rival of this run has the greater MAC. The owner of the
// address yields to nobody here: it could not take it off its NIC.
func (m *Machine) lesser(r run) bool {
	return m.cfg.Priority != PriorityOwner && !m.active.contest.greater.Before(r.since)
}

// unfit tells whether any other active is better: this one is unhealthy, did not take
// over as such, and has not waited for a successor in vain.
func (m *Machine) unfit() bool { return !m.healthy && !m.active.lastResort }

func (m *Machine) whyConcede() Reason {
	if !m.healthy {
		return Unhealthy
	}
	return LesserMAC
}

// claim has the active announce each claimEvery from then on.
func (m *Machine) claim(from time.Time) {
	if c := &m.active.contest; !c.claims {
		c.claims = true
		m.active.announcer.steady(from)
	}
}

// unclaim ends that when it has not proven to be a contest: one advertisement was
// lost, say, and the announcement after it was not.
func (m *Machine) unclaim() {
	if c := &m.active.contest; c.claims && !c.proven {
		c.claims, m.active.announcer.always = false, false
	}
}

// claimer is a peer whose announcements are heard, and not its advertisements.
type claimer struct {
	peer     netip.Addr
	last     time.Time
	steady   bool // the last two came within claimEvery, or nearly
	believed bool // by a backup: they stand for advertisements
}

// note adds an announcement. Those of several VIPs, or of one said twice, come
// together and are one.
func (c *claimer) note(ev Claimed) {
	gap := ev.At.Sub(c.last)
	if c.peer == ev.From && gap < claimEvery/2 {
		return
	}
	c.steady = c.peer == ev.From && gap <= claimEvery*3/2
	c.peer, c.last = ev.From, ev.At
}

// hearClaimAsBackup believes announcements that come each claimEvery, which only an
// active does who has seen a contest, and any while no advertisement has been heard
// at all. An active whose advertisements did arrive does not live longer by them, and
// what was announced before the last of them, or before it listened, is the past.
func (m *Machine) hearClaimAsBackup(ev Claimed) {
	b, c := &m.backup, &m.claimer
	if ev.From == b.from || ev.From == b.lower.from || ev.From == b.arrives || ev.At.Before(c.last) || ev.At.Before(b.heard) {
		return
	}
	c.note(ev)
	listening := !b.from.IsValid() && !b.lower.from.IsValid()
	if c.believed = c.believed || listening || c.steady; c.believed {
		m.noteBlock(ev.At, ev.From, false)
	}
}

// isHeard ends the belief in announcements of a peer whose advertisement arrives, and
// in such of another that were no sign of a contest: there is an active that is heard.
func (m *Machine) isHeard(ev Received) {
	if m.unheard == ev.From {
		m.conceded, m.unheard = false, netip.Addr{}
	}
	if m.claimer.peer != ev.From {
		m.claimer.believed = m.claimer.believed && m.claimer.steady
		return
	}
	if m.claimer.believed {
		m.backup, m.block = m.listen(ev.At), Block{}
	}
	m.claimer = claimer{}
}
