package openstacktest_test

import (
	"strings"
	"testing"

	"github.com/havip/havip/openstack/openstacktest"
)

func TestAScriptBendsTheCloudInWords(t *testing.T) {
	for line, want := range map[string]string{
		"port-security bastion-1 off":           `"port_security_enabled":false`,
		"pairs bastion-2 10.0.0.136 10.0.0.137": `"ip_address":"10.0.0.137"`,
		"state bastion-1 paused":                "PAUSED",
		"lock bastion-2":                        "locked=true",
		"port internal 10.0.0.136":              `"ip_address":"10.0.0.136"`,
		"server bastion-3 internal":             "bastion-3",
		"floating-ip bastion-1":                 `"fixed_ip_address":"10.0.0.10"`,
		"groups bastion-1":                      `"security_groups":[]`,
		"groups bastion-1 default":              `"security_groups":["`,
		"quota port 3":                          "",
		"latency 5ms":                           "",
		"fault POST /network/v2.0/ports 1 503":  "",
		"drop-extension port-security router":   "",
		"move-service compute RegionTwo":        "",
		"console bastion-1 hello":               "",
	} {
		t.Run(line, func(t *testing.T) {
			c := openstacktest.New(openstacktest.Config{})
			t.Cleanup(c.Close)
			c.Seed(openstacktest.Seed{})
			if err := c.Bend(strings.Fields(line)...); err != nil {
				t.Fatal(err)
			}
			if got := c.Snapshot(); !strings.Contains(got, want) {
				t.Errorf("no %s in\n%s", want, got)
			}
		})
	}
	c := openstacktest.New(openstacktest.Config{})
	t.Cleanup(c.Close)
	for line, want := range map[string]string{
		"":                       "no words",
		"bow":                    "none of",
		"quota port":             "1 words",
		"quota port many":        "no number",
		"lock nobody":            `0 of servers have the name "nobody"`,
		"drop-extension nothing": "no extension",
	} {
		if err := c.Bend(strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}
