package main

// A Mutant is one rule of agent/vrrp that does not hold: Old, which stands exactly
// once in File, becomes New.
type Mutant struct {
	Name, File, Old, New string
}

// mutants are in the order of the files.
var mutants = []Mutant{
	{
		"the better one does not win", "active.go",
		`case ev.Priority > own || greater && m.breaksTies():`,
		`case greater && m.breaksTies():`,
	},
	{
		"the worse one wins", "active.go",
		`case ev.Priority > own || greater && m.breaksTies():`,
		`case ev.Priority < own || greater && m.breaksTies():`,
	},
	{
		"no tie-break", "active.go",
		`greater && m.breaksTies():`,
		`false:`,
	},
	{
		"the tie-break the other way round", "active.go",
		`ev.From.Compare(m.cfg.Source) > 0`,
		`ev.From.Compare(m.cfg.Source) < 0`,
	},
	{
		"a rival gets no answer", "active.go",
		`m.outlast(now, ev, !greater)`,
		`m.outlast(now, ev, false)`,
	},
	{
		"both sides of a tie answer", "active.go",
		`m.outlast(now, ev, !greater)`,
		`m.outlast(now, ev, true)`,
	},
	{
		"what has its answer is answered again", "active.go",
		`if m.cfg.Version != 2 && ev.At.After(m.active.sent) {`,
		`if m.cfg.Version != 2 {`,
	},
	{
		"a stall is not noticed", "active.go",
		`if m.state == api.Active && m.stalled(now) {`,
		`if false {`,
	},
	{
		"a stall is noticed too soon", "active.go",
		`return at.Sub(m.active.sent) >= m.cfg.down(m.cfg.Interval)`,
		`return at.Sub(m.active.sent) >= m.cfg.Interval*5/4`,
	},
	{
		"a late report hides the stall", "active.go",
		`sent.At.After(m.active.sent) && !m.stalled(sent.At)`,
		`sent.At.After(m.active.sent)`,
	},
	{
		"bad health is not said", "active.go",
		"m.active.boost = time.Time{}\n\tm.advertiseAt(now, PriorityLeave)",
		"m.active.boost = time.Time{}",
	},
	{
		"the priority of a switchover stays", "active.go",
		`if due(m.active.boost, now) {`,
		`if false {`,
	},
	{
		"a switchover at the own priority", "active.go",
		`m.active.boost = now.Add(m.cfg.down(m.cfg.Interval))
	}
	contest`,
		`m.active.boost = time.Time{}
	}
	contest`,
	},
	{
		"the next advert comes late", "active.go",
		`m.active.advert = now.Add(gap)`,
		`m.active.advert = now.Add(4 * gap)`,
	},
	{
		"a backup keeps its VIPs", "backup.go",
		"m.do(RemoveVIPs{})\n\tm.transition(now, api.Backup",
		"m.transition(now, api.Backup",
	},
	{
		"priority 0 means nothing to a backup", "backup.go",
		"if b.patience == gone || b.patience == unfit && m.healthy {\n\t\t\treturn",
		"if true {\n\t\t\treturn",
	},
	{
		"priority 0 again starts the wait anew", "backup.go",
		"if b.patience == gone || b.patience == unfit && m.healthy {\n\t\t\treturn",
		"if false {\n\t\t\treturn",
	},
	{
		"a lower active is followed in spite of preemption", "backup.go",
		`case m.mayPreempt() && ev.Priority > PriorityUnhealthyMax && ev.Priority < m.cfg.Priority:`,
		`case false:`,
	},
	{
		"equals preempt each other", "backup.go",
		`ev.Priority > PriorityUnhealthyMax && ev.Priority < m.cfg.Priority:`,
		`ev.Priority > PriorityUnhealthyMax && ev.Priority <= m.cfg.Priority:`,
	},
	{
		"the preempt delay is over at once", "backup.go",
		`b.lower.since.Add(m.cfg.PreemptDelay)`,
		`b.lower.since`,
	},
	{
		"the start delay is ignored", "backup.go",
		`at = later(at, m.notBefore)`,
		`_ = m.notBefore`,
	},
	{
		"the interval is not learned", "backup.go",
		`if ev.Interval > 0 && m.cfg.Version != 2 {`,
		`if false {`,
	},
	{
		"words of the past are news", "backup.go",
		"if ev.At.Before(b.heard) {\n\t\tb.arrives = ev.From\n\t\treturn\n\t}\n\tm.isHeard",
		"m.isHeard",
	},
	{
		"an unhealthy backup obeys a switchover", "backup.go",
		`if m.state != api.Backup || !m.healthy {`,
		`if m.state != api.Backup {`,
	},
	{
		"an unhealthy active keeps healthy backups waiting", "backup.go",
		"if ev.Priority <= PriorityUnhealthyMax {\n\t\tb.patience = unfit\n\t}",
		"",
	},
	{
		"whoever does not preempt does", "config.go",
		`return c.Preempt || c.Priority == PriorityOwner`,
		`return true`,
	},
	{
		"the owner does not preempt", "config.go",
		`return c.Preempt || c.Priority == PriorityOwner`,
		`return c.Preempt`,
	},
	{
		"the lesser MAC stays", "contest.go",
		`&& !m.active.contest.greater.Before(r.since)`,
		`&& m.active.contest.greater.Before(r.since)`,
	},
	{
		"the owner yields to a greater MAC", "contest.go",
		`return m.cfg.Priority != PriorityOwner && `,
		`return `,
	},
	{
		"no contest is ever settled", "contest.go",
		`settle := max(m.cfg.down(m.cfg.Interval), claimEvery*3/2)`,
		`settle := time.Hour`,
	},
	{
		"a loser does not wait for the winner's announcements", "contest.go",
		`if c.believed = c.believed || listening || c.steady; c.believed {`,
		`if c.believed = listening && false; c.believed {`,
	},
	{
		"a router takes over without its group", "group.go",
		`gate = later(gate, m.Deadline())`,
		`gate = earliest(gate, m.Deadline())`,
	},
	{
		"a router gives up without its group", "group.go",
		"if i < 0 {\n\t\treturn nil\n\t}\n\tfirst",
		"if true {\n\t\treturn nil\n\t}\n\tfirst",
	},
	{
		"who leaves does not say so", "leaving.go",
		"bound: now.Add(bound)}\n\tm.advertiseAt(now, PriorityLeave)",
		"bound: now.Add(bound)}",
	},
	{
		"who yields has no last word", "lastword.go",
		`if !m.word.owed || now.Before(m.word.next) {`,
		`if true {`,
	},
	{
		"nobody announces upon a last word", "lastword.go",
		"m.do(Yielded{From: ev.From})\n\t\tm.announceAgain(now, ev)",
		"m.do(Yielded{From: ev.From})",
	},
	{
		"a last word is an active's", "lastword.go",
		`if ev.Priority == PriorityYielded {`,
		`if false {`,
	},
	{
		"a last word is said once", "lastword.go",
		`m.word.next = now.Add(claimEvery)`,
		`m.word = lastWord{}`,
	},
	{
		"who leaves does not wait", "leaving.go",
		`bound := m.cfg.leaveBound()`,
		`bound := time.Duration(0)`,
	},
	{
		"every start resumes", "machine.go",
		`case ev.Resume:`,
		`case true:`,
	},
	{
		"no start resumes", "machine.go",
		`case ev.Resume:`,
		`case false:`,
	},
	{
		"the unhealthy advertise as the healthy", "machine.go",
		"case !m.healthy:\n\t\treturn m.cfg.unhealthyPriority()",
		"case false:\n\t\treturn m.cfg.unhealthyPriority()",
	},
	{
		"a reload counts as silence", "machine.go",
		"m.active.sent = now\n\t\tm.active.announcer.hasten",
		"m.active.announcer.hasten",
	},
	{
		"a reload ends no preemption", "machine.go",
		`m.backup.reconsider(cfg.Priority != before.Priority || !m.mayPreempt())`,
		``,
	},
	{
		"no skew", "timers.go",
		`return time.Duration(256-c.Priority) * interval / 256`,
		`return 0 * interval`,
	},
	{
		"the skew of version 2 scales", "timers.go",
		"if c.Version == 2 {\n\t\tinterval = time.Second\n\t}",
		"",
	},
	{
		"two intervals are down", "timers.go",
		"case p == alive:\n\t\treturn 3*interval + skew",
		"case p == alive:\n\t\treturn 2*interval + skew",
	},
	{
		"the unhealthy are as quick as the healthy", "timers.go",
		"case !healthy:\n\t\treturn 4*interval + skew",
		"case !healthy:\n\t\treturn 3*interval + skew",
	},
	{
		"the lease is a second, however long the interval", "timers.go",
		`return max(time.Second, (down + time.Second - 1).Truncate(time.Second))`,
		`return min(time.Second, down)`,
	},
	{
		"the lease does not end", "timers.go",
		`return max(time.Second, (down + time.Second - 1).Truncate(time.Second))`,
		`return max(time.Hour, down)`,
	},
}
