package filter

import (
	"fmt"
	"strings"
)

// Ruleset is what the switch's kernel is told.
type Ruleset struct {
	// Zones is the connection tracking zone of each bridge: what passed one
	// network is not known on another.
	Zones []Zone
	// Chains are those of the bridge family; the first is asked for each frame
	// that goes from one port to another. What no rule decides passes.
	Chains []Chain
}

// Zone is the zone of a bridge.
type Zone struct {
	Bridge string
	Number uint16
}

// Chain is rules in the order in which they are asked.
type Chain struct {
	Name  string
	Rules []Rule
}

// Rule does Do with the frames to which every match applies.
type Rule struct {
	Match []Match
	Do    Verdict
	To    string // the chain of Jump and Goto
}

// Verdict is what becomes of a frame.
type Verdict string

// The verdicts mean what they mean to nft.
const (
	Drop   Verdict = "drop"
	Return Verdict = "return"
	Jump   Verdict = "jump"
	Goto   Verdict = "goto"
)

func (r Rule) String() string {
	var words []string
	for _, m := range r.Match {
		words = append(words, m.String())
	}
	words = append(words, string(r.Do))
	if r.To != "" {
		words = append(words, r.To)
	}
	return strings.Join(words, " ")
}

// String is the ruleset as nft would list it, for people and tests.
func (s Ruleset) String() string {
	var b strings.Builder
	for _, z := range s.Zones {
		fmt.Fprintf(&b, "zone %s %d\n", z.Bridge, z.Number)
	}
	for _, c := range s.Chains {
		fmt.Fprintf(&b, "chain %s\n", c.Name)
		for _, r := range c.Rules {
			fmt.Fprintf(&b, "\t%s\n", r)
		}
	}
	return b.String()
}
