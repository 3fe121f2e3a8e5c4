// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"crypto/sha256"
	"encoding/hex"
)

// longestName keeps names of files, with any extension, below NAME_MAX (255).
const longestName = 200

// ArtifactName returns a name that files can have: a long one is cut, and
// stays unique by a hash of the whole.
func ArtifactName(name string) string {
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:8])
	return name[:longestName-len(hash)-1] + "-" + hash
}
