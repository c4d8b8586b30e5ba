package lab_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

func pairs() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	port, _, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	if _, err := at("bastion-1", "ip addr add 10.0.0.100/32 dev eth0"); err != nil {
		return err
	}
	answers := func() error {
		c, err := net.DialTimeout("tcp", "10.0.0.100:22", 300*time.Millisecond)
		if err == nil {
			err = c.Close()
		}
		return err
	}
	silent := func() error {
		if answers() == nil {
			return errors.New("the address answers without a pair")
		}
		return nil
	}
	if err := silent(); err != nil {
		return err
	}
	set := func(list string) error {
		return n.request("PUT", n.network+"/ports/"+port, `{"port":{"allowed_address_pairs":[`+list+`]}}`, nil)
	}
	if err := set(`{"ip_address":"10.0.0.100"}`); err != nil {
		return err
	}
	start := time.Now()
	if err := until("the address answers", answers); err != nil {
		return err
	}
	fmt.Printf("open %v after the answer to the PUT\n", time.Since(start).Round(time.Millisecond))
	return errors.Join(set(""), until("the pair's end is enforced", silent))
}

func userData() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	var images struct{ Images []struct{ ID string } }
	if err := n.request("GET", cloudURL+"/image/v2/images", "", &images); err != nil {
		return err
	}
	if len(images.Images) == 0 {
		return errors.New("there is no image")
	}
	_, network, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	const script = "#!/bin/sh\necho ran >>/root/user-data\necho seen on the console\nlogger -t user-data seen in the log\n"
	body := fmt.Sprintf(`{"server":{"name":"extra","imageRef":%q,"flavorRef":"1","key_name":"demo","networks":[{"uuid":%q}],"user_data":%q}}`,
		images.Images[0].ID, network, base64.StdEncoding.EncodeToString([]byte(script)))
	if err := n.do("POST", "/servers", body, nil); err != nil {
		return err
	}
	says := func(times int) func() error {
		return func() error {
			text, err := n.console("extra")
			if got := strings.Count(text, "extra is up"); err == nil && got != times {
				err = fmt.Errorf("%d boots, not %d:\n%s", got, times, text)
			}
			return err
		}
	}
	if err := until("it is up", says(1)); err != nil {
		return err
	}
	text, err := n.console("extra")
	if err != nil || !strings.Contains(text, "seen on the console") {
		return fmt.Errorf("the console: %q, %w", text, err)
	}
	// The name leads to it as to the others. A log's line takes its moment.
	if err := until("the log has its line", func() error {
		got, err := at("extra", "cat /root/user-data; grep -c 'user-data: seen in the log' /var/log/syslog")
		return errors.Join(err, want("what it did", got, "ran\n1"))
	}); err != nil {
		return err
	}
	if err := errors.Join(n.act("extra", `{"reboot":{"type":"SOFT"}}`, "ACTIVE"), until("it is up again", says(2))); err != nil {
		return err
	}
	got, err := at("extra", "cat /root/user-data")
	if err := errors.Join(err, want("after a reboot", got, "ran")); err != nil {
		return err
	}
	id, _, err := n.server("extra")
	if err != nil {
		return err
	}
	if err := n.do("DELETE", "/servers/"+id, "", nil); err != nil {
		return err
	}
	return until("it is gone", func() error {
		if _, _, err := n.server("extra"); err == nil {
			return errors.New("it is listed")
		}
		return nil
	})
}

func hotplug() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	id, _, err := n.server("bastion-1")
	if err != nil {
		return err
	}
	_, network, err := n.portOf("bastion-1")
	if err != nil {
		return err
	}
	var made struct {
		Attachment struct {
			Port string `json:"port_id"`
		} `json:"interfaceAttachment"`
	}
	if err := n.do("POST", "/servers/"+id+"/os-interface", `{"interfaceAttachment":{"net_id":"`+network+`"}}`, &made); err != nil {
		return err
	}
	nics := func(expect string) func() error {
		return func() error {
			got, err := at("bastion-1", "ls /sys/class/net")
			return errors.Join(err, want("NICs", got, expect))
		}
	}
	if err := until("there are two", nics("eth0\neth1\nlo")); err != nil {
		return err
	}
	if err := n.do("DELETE", "/servers/"+id+"/os-interface/"+made.Attachment.Port, "", nil); err != nil {
		return err
	}
	return until("there is one", nics("eth0\nlo"))
}
