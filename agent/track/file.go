package track

import (
	"context"
	"fmt"
	"os"
	"time"
)

// probeFile looks whether the path exists and, with a maxAge other than zero,
// whether it was written to within that time.
func probeFile(path string, maxAge time.Duration) Probe {
	return func(context.Context) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if age := time.Since(info.ModTime()); maxAge > 0 && age > maxAge {
			return fmt.Errorf("%s was last written %v ago", path, age.Round(time.Millisecond))
		}
		return nil
	}
}
