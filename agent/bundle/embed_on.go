//go:build embedagent

package bundle

import (
	"embed"
	"io/fs"
)

// The files that mkbundle made; without them a build with this tag fails.
//
//go:embed dist/manifest.json dist/*.gz
var dist embed.FS

// embeddedFiles is what this build carries, nil when it carries nothing.
func embeddedFiles() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil { // only for an invalid path, and "dist" is valid
		panic(err)
	}
	return sub
}
