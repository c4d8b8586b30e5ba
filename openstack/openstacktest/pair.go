package openstacktest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// pair is an allowed address pair, its address as it was given.
type pair struct {
	IP  string `json:"ip_address"`
	MAC string `json:"mac_address"`
}

// readSecurity takes the two whole lists of a port.
func (r *request) readSecurity(p *port, a *attrs, creating bool) (groups bool, err error) {
	if text, found := a.raw["allowed_address_pairs"]; found {
		delete(a.raw, "allowed_address_pairs")
		if p.Pairs, err = r.readPairs(text, p.MAC); err != nil {
			return false, err
		}
	}
	if text, found := a.raw["security_groups"]; found {
		groups = string(text) != "null"
		delete(a.raw, "security_groups")
		if groups {
			if p.Groups, err = r.readGroups(text); err != nil {
				return false, err
			}
		}
	}
	if creating && !groups && p.PortSecurity && !r.untrusted(*p) {
		p.Groups = []string{r.s.defaultGroup(p.ProjectID, r.now)}
	}
	return groups, nil
}

// untrusted ports are Neutron's own: no security group by default.
func (r *request) untrusted(p port) bool { return strings.HasPrefix(p.DeviceOwner, "network:") }

// readPairs keeps neutron_lib's rules of a list of pairs.
func (r *request) readPairs(text json.RawMessage, portMAC string) ([]pair, error) {
	if string(text) == "null" {
		return []pair{}, nil
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, badBody("Allowed address pairs must be a list.")
	}
	if len(list) > r.cloud.rules.maxPairs {
		return nil, refuse(http.StatusBadRequest, "AllowedAddressPairExhausted",
			"The number of allowed address pair exceeds the maximum %d.", r.cloud.rules.maxPairs)
	}
	out := []pair{}
	for _, m := range list {
		p, err := readPair(m)
		if err != nil {
			return nil, err
		}
		given := p.MAC
		if p.MAC = lower(p.MAC); p.MAC == "" {
			p.MAC = portMAC
		}
		if slices.Contains(out, p) {
			if given == "" {
				given = "None"
			}
			return nil, refuse(http.StatusBadRequest, "DuplicateAddressPairInRequest",
				"Request contains duplicate address pair: mac_address %s ip_address %s.", given, p.IP)
		}
		out = append(out, p)
	}
	return out, nil
}

func readPair(m map[string]json.RawMessage) (pair, error) {
	var p pair
	for key, v := range map[string]*string{"ip_address": &p.IP, "mac_address": &p.MAC} {
		if text, found := m[key]; found && json.Unmarshal(text, v) != nil {
			return p, badBody("'%s' is not a valid %s", shown(text), key)
		}
	}
	if _, found := m["mac_address"]; found && !validMAC(lower(p.MAC)) {
		return p, badBody("'%s' is not a valid MAC address", p.MAC)
	}
	if _, found := m["ip_address"]; !found {
		return p, refuse(http.StatusBadRequest, "AllowedAddressPairsMissingIP", "AllowedAddressPair must contain ip_address")
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key != "ip_address" && key != "mac_address" {
			return p, badBody("Unrecognized attribute(s) '%s'", key)
		}
	}
	if strings.Contains(p.IP, "/") {
		if _, err := netip.ParsePrefix(p.IP); err != nil {
			return p, badBody("'%s' is not a valid IP subnet", p.IP)
		}
	} else if _, err := netip.ParseAddr(p.IP); err != nil {
		return p, badBody("'%s' is not a valid IP address", p.IP)
	}
	return p, nil
}

// readGroups takes a list of security groups, which have to be the caller's.
func (r *request) readGroups(text json.RawMessage) ([]string, error) {
	var ids []string
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil, badBody("Invalid input for security_groups. Reason: '%s' is not a list.", shown(text))
	}
	out := []string{}
	for _, id := range ids {
		if !isUUID(id) {
			return nil, badBody("Invalid input for security_groups. Reason: '%s' is not an integer or uuid.", id)
		}
		if _, err := r.group(id); err != nil {
			return nil, err
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// agree refuses what does not go together with port security off (ML2's
// _portsec_ext_port_update_processing).
func agree(p *port, groups, creating bool) error {
	if p.PortSecurity {
		return nil
	}
	if len(p.Pairs) > 0 {
		return refuse(http.StatusConflict, "AddressPairAndPortSecurityRequired",
			"Port Security must be enabled in order to have allowed address pairs on a port.")
	}
	if len(p.Groups) > 0 {
		if groups || creating {
			return refuse(http.StatusBadRequest, "PortSecurityAndIPRequiredForSecurityGroups",
				"Port security must be enabled and port must have an IP address in order to use security groups.")
		}
		return refuse(http.StatusConflict, "PortSecurityPortHasSecurityGroup",
			"Port has security group associated. Cannot disable port security or IP address until security group is removed.")
	}
	return nil
}

// dropPort deletes a port; floating IPs lose it and stay.
func (s *state) dropPort(id string, now time.Time) {
	for fid, f := range s.floatingIPs {
		if f.PortID != nil && *f.PortID == id {
			f.detach()
			f.bump(now)
			s.floatingIPs[fid] = f
		}
	}
	for sid, v := range s.servers {
		if slices.Contains(v.Ports, id) {
			v.Ports = slices.DeleteFunc(slices.Clone(v.Ports), func(p string) bool { return p == id })
			s.servers[sid] = v
		}
	}
	delete(s.ports, id)
	delete(s.claims, id)
}
