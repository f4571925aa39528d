//go:build tools

// Keeps the requirement in go.mod: nothing else here imports the daemon that `make kubo` builds.
package kubo

import _ "github.com/ipfs/kubo/cmd/ipfs"
