//go:build !embedagent

package bundle

import "io/fs"

// embeddedFiles is what this build carries: nothing, as after a plain
// "go install".
func embeddedFiles() fs.FS { return nil }
