package lab

import (
	"syscall"

	"github.com/havip/havip/test/lab/reap"
)

// start runs a command on the workstation, with the streams of this process.
func (s *site) start(path string, argv []string, dir string) (c *reap.Child, err error) {
	err = s.outside.Do(func() error {
		c, err = s.reaper.Start(path, argv, &syscall.ProcAttr{
			Dir: dir, Env: s.access.environment(), Files: []uintptr{0, 1, 2},
		})
		return err
	})
	return c, err
}
