package openstacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rule is one of a security group. Empty fields are null: any.
type rule struct {
	standard
	GroupID       string  `json:"security_group_id"`
	Direction     string  `json:"direction"`
	EtherType     string  `json:"ethertype"`
	Protocol      *string `json:"protocol"`
	PortMin       *int    `json:"port_range_min"`
	PortMax       *int    `json:"port_range_max"`
	RemoteGroupID *string `json:"remote_group_id"`
	RemotePrefix  *string `json:"remote_ip_prefix"`
	AddressGroup  *string `json:"remote_address_group_id"`
	Normalized    *string `json:"normalized_cidr"`
}

func (s *state) newRule(g securityGroup, now time.Time) rule {
	n := rule{standard: s.newStandard(g.ProjectID, now), GroupID: g.ID}
	n.Revision = 0
	return n
}

func (s *state) countRules(project string) int {
	n := 0
	for _, g := range s.groups {
		if g.ProjectID == project {
			n += len(g.Rules)
		}
	}
	return n
}

// protocols are the names that Neutron takes, with their numbers.
func protocols() map[string]int {
	return map[string]int{
		"any": -1, "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0,
		"ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
		"ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
	}
}

func (r *request) rules() []rule {
	var out []rule
	for _, g := range r.s.groups.all() {
		if r.who.owns(g.ProjectID) {
			out = append(out, g.Rules...)
		}
	}
	return out
}

func (r *request) rule(id string) (rule, error) {
	for _, n := range r.rules() {
		if n.ID == id {
			return n, nil
		}
	}
	return rule{}, notFound("SecurityGroupRuleNotFound", "Security group rule %s does not exist", id)
}

func listRules(r *request) (answer, error) {
	var out []object
	for _, n := range r.rules() {
		out = append(out, r.show(n))
	}
	return r.listed("security_group_rules", rule{}, out)
}

func getRule(r *request) (answer, error) {
	n, err := r.rule(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(object{"security_group_rule": r.show(n)})
}

// createRules makes one rule or, all or none, a list of them.
func createRules(r *request) (answer, error) {
	var bulk struct {
		Rules []json.RawMessage `json:"security_group_rules"`
	}
	if err := json.Unmarshal(r.body, &bulk); err == nil && bulk.Rules != nil {
		out := []object{}
		for _, text := range bulk.Rules {
			a, err := parseAttrs(text)
			if err != nil {
				return answer{}, err
			}
			n, err := r.createRule(a, out)
			if err != nil {
				return answer{}, err
			}
			out = append(out, r.show(n))
		}
		return made(object{"security_group_rules": out})
	}
	a, err := r.attributes("security_group_rule")
	if err != nil {
		return answer{}, err
	}
	n, err := r.createRule(a, nil)
	if err != nil {
		return answer{}, err
	}
	return made(object{"security_group_rule": r.show(n)})
}

// createRule makes a rule; before are those of the same request.
func (r *request) createRule(a *attrs, before []object) (rule, error) {
	a.required("security_group_id")
	a.required("direction")
	var groupID string
	a.id("security_group_id", &groupID)
	if a.err != nil {
		return rule{}, a.err
	}
	g, err := r.group(groupID)
	if err != nil {
		return rule{}, err
	}
	n := r.s.newRule(g, r.now)
	a.owner(r, "create_security_group_rule")
	if err := n.read(r, a); err != nil {
		return rule{}, err
	}
	for _, o := range g.Rules {
		if !o.same(n) {
			continue
		}
		if slices.ContainsFunc(before, func(m object) bool { return m["id"] == o.ID }) {
			return rule{}, refuse(http.StatusConflict, "DuplicateSecurityGroupRuleInPost", "Duplicate Security Group Rule in POST.")
		}
		return rule{}, refuse(http.StatusConflict, "SecurityGroupRuleExists", "Security group rule already exists. Rule id is %s.", o.ID)
	}
	if err := r.within("security_group_rule", r.s.countRules(g.ProjectID), 1); err != nil {
		return rule{}, err
	}
	g.Rules = append(slices.Clone(g.Rules), n)
	g.bump(r.now)
	r.s.groups[g.ID] = g
	return n, nil
}

// read takes a rule's attributes and keeps the rules of rules.
func (n *rule) read(r *request, a *attrs) error {
	a.text("description", &n.Description)
	a.text("direction", &n.Direction)
	if n.EtherType = "IPv4"; a.has("ethertype") {
		a.text("ethertype", &n.EtherType)
	}
	var proto any
	if a.take("protocol", &proto, "a protocol") && proto != "any" && proto != "" {
		text := strings.ToLower(fmt.Sprint(proto))
		n.Protocol = &text
	}
	for key, v := range map[string]**int{"port_range_min": &n.PortMin, "port_range_max": &n.PortMax} {
		var i int
		if a.number(key, &i) {
			*v = &i
		}
	}
	for key, v := range map[string]**string{"remote_group_id": &n.RemoteGroupID, "remote_ip_prefix": &n.RemotePrefix} {
		var s string
		if a.text(key, &s); s != "" {
			*v = &s
		}
	}
	a.ignore("remote_address_group_id")
	if err := a.end(); err != nil {
		return err
	}
	return n.check(r)
}

func (n *rule) check(r *request) error {
	bad := func(kind, format string, args ...any) error {
		return refuse(http.StatusBadRequest, kind, format, args...)
	}
	if n.Direction != "ingress" && n.Direction != "egress" {
		return badBody("Invalid input for direction. Reason: '%s' is not in ['ingress', 'egress'].", n.Direction)
	}
	switch strings.ToLower(n.EtherType) {
	case "ipv4":
		n.EtherType = "IPv4"
	case "ipv6":
		n.EtherType = "IPv6"
	default:
		return bad("SecurityGroupRuleInvalidEtherType", "Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", n.EtherType)
	}
	number := -1
	if n.Protocol != nil {
		known, named := protocols()[*n.Protocol]
		if number = known; !named {
			i, err := strconv.Atoi(*n.Protocol)
			if err != nil || i < 0 || i > 255 {
				return bad("SecurityGroupRuleInvalidProtocol", "Security group rule protocol %s not supported.", *n.Protocol)
			}
			number = i
		}
		if v6 := slices.Contains([]int{41, 43, 44, 58, 59, 60}, number); v6 && n.EtherType == "IPv4" {
			return bad("SecurityGroupEthertypeConflictWithProtocol", "Invalid ethertype %s for protocol %s.", n.EtherType, *n.Protocol)
		}
	}
	if err := n.checkPorts(number); err != nil {
		return err
	}
	if n.RemoteGroupID != nil && n.RemotePrefix != nil {
		return bad("SecurityGroupMultipleRemoteEntites", "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.")
	}
	if n.RemoteGroupID != nil {
		if _, err := r.group(*n.RemoteGroupID); err != nil {
			return err
		}
	}
	return n.checkPrefix()
}

func (n *rule) checkPorts(number int) error {
	bad := func(kind, format string, args ...any) error {
		return refuse(http.StatusBadRequest, kind, format, args...)
	}
	if n.PortMin == nil && n.PortMax == nil {
		return nil
	}
	if n.Protocol == nil {
		return bad("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
	}
	switch number {
	case 6, 17, 33, 132, 136:
		if n.PortMin == nil || n.PortMax == nil || *n.PortMin > *n.PortMax {
			return bad("SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max")
		}
		if *n.PortMin < 1 || *n.PortMax > 65535 {
			return badBody("Invalid input for port_range_min. Reason: %d is not a port.", *n.PortMin)
		}
	case 1, 58:
		if n.PortMin == nil {
			return bad("SecurityGroupMissingIcmpType", "ICMP code (port-range-max) %d is provided but ICMP type (port-range-min) is missing.", *n.PortMax)
		}
	default:
		return bad("SecurityGroupInvalidProtocolForPort", "Ports cannot be specified for protocol %s. Ports are only supported for TCP, UDP, UDPLITE, SCTP and DCCP.", *n.Protocol)
	}
	return nil
}

func (n *rule) checkPrefix() error {
	if n.RemotePrefix == nil {
		return nil
	}
	p, err := netip.ParsePrefix(*n.RemotePrefix)
	if ip, bare := netip.ParseAddr(*n.RemotePrefix); bare == nil {
		p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidCIDR", "Invalid CIDR %s given as IP prefix.", *n.RemotePrefix)
	}
	if p.Addr().Is4() != (n.EtherType == "IPv4") {
		return refuse(http.StatusBadRequest, "SecurityGroupRuleParameterConflict", "Conflicting value ethertype %s for CIDR %s", n.EtherType, *n.RemotePrefix)
	}
	canonical, normalized := p.String(), p.Masked().String()
	n.RemotePrefix, n.Normalized = &canonical, &normalized
	return nil
}

// same tells whether Neutron takes two rules for one: the prefix of all
// addresses is none. It compares a protocol's text, so that 112 and vrrp are
// two.
func (n rule) same(o rule) bool {
	key := func(n rule) string {
		prefix := deref(n.RemotePrefix)
		if prefix == "0.0.0.0/0" || prefix == "::/0" {
			prefix = ""
		}
		return fmt.Sprint(n.Direction, n.EtherType, deref(n.Protocol), deref(n.PortMin), deref(n.PortMax), n.PortMin == nil, deref(n.RemoteGroupID), prefix)
	}
	return key(n) == key(o)
}

func deref[T any](p *T) T {
	var none T
	if p == nil {
		return none
	}
	return *p
}

func deleteRule(r *request) (answer, error) {
	n, err := r.rule(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	g := r.s.groups[n.GroupID]
	g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(o rule) bool { return o.ID == n.ID })
	g.bump(r.now)
	r.s.groups[g.ID] = g
	return done(http.StatusNoContent)
}

// protocolNumber is the number of a protocol that check has let in; "icmp" of
// IPv6 is ICMPv6.
func protocolNumber(text string, v6 bool) int {
	n, named := protocols()[text]
	if !named {
		n, _ = strconv.Atoi(text)
	}
	if v6 && n == 1 {
		n = 58
	}
	return n
}
