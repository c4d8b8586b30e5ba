package vip_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip"
	"github.com/havip/havip/agent/vip/netnstest"
)

// BenchmarkSet is what an active does at each advertisement, and what it does now
// and then.
func BenchmarkSet(b *testing.B) {
	lease := time.Second
	work := map[string]func(*vip.Set) error{
		"add within the pause": func(s *vip.Set) error {
			_, err := s.Add(time.Second)
			return err
		},
		"add": func(s *vip.Set) error { // another lease is written at once
			lease ^= 1
			_, err := s.Add(lease)
			return err
		},
		"announce": (*vip.Set).Announce,
		"inspect": func(s *vip.Set) error {
			view, err := vip.Look()
			if err != nil {
				return err
			}
			_, err = s.Inspect(view, config.Interface{Name: netnstest.Device})
			return err
		},
	}
	for what, do := range work {
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", what, n), func(b *testing.B) {
				a, _ := netnstest.Pair(b, own.String()+"/24", "10.99.0.2/24")
				a.Do(b, func() {
					nic, err := vip.Find(config.Interface{Name: netnstest.Device})
					netnstest.Must(b, err)
					cfg := vip.Config{NIC: nic, Source: own}
					for i := range n {
						cfg.Addresses = append(cfg.Addresses, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 99, 1, byte(i)}), 32))
					}
					s := vip.NewSet(cfg)
					defer s.Close()
					add(b, s, time.Hour)
					b.ReportAllocs()
					for b.Loop() {
						netnstest.Must(b, do(s))
					}
				})
			})
		}
	}
}
