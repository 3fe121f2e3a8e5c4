// SPDX-License-Identifier: Apache-2.0

package output

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// indexName is the file in a tree that lists what was generated.
const indexName = ".avert-index.json"

// indexLimit bounds the size of an index that is read, in bytes: about 400,000 files.
const indexLimit = 64 << 20

// index maps the path of each generated file to the lower-case hexadecimal SHA-256 of the content that was generated.
type index map[string]string

// indexFile is the index on disk. Files are sorted by path.
type indexFile struct {
	Format int          `json:"format"`
	Files  []indexEntry `json:"files"`
}

type indexEntry struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

const indexFormat = 1

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encode renders the index with one file a line, so that it merges and reads well in version control.
func (x index) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"format\": %d,\n  \"files\": [", indexFormat)
	for i, p := range slices.Sorted(maps.Keys(x)) {
		if i > 0 {
			b.WriteByte(',')
		}
		// Marshalling strings cannot fail.
		line, _ := json.Marshal(indexEntry{Path: p, SHA256: x[p]})
		b.WriteString("\n    ")
		b.Write(line)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes()
}

// decodeIndex reads an index and refuses one that names anything outside the tree.
func decodeIndex(r io.Reader) (index, error) {
	data, err := io.ReadAll(io.LimitReader(r, indexLimit+1))
	if err != nil {
		return nil, err
	}
	if len(data) > indexLimit {
		return nil, fmt.Errorf("larger than %d bytes", indexLimit)
	}
	var file indexFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("not an index: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("not an index: more follows after its end")
	}
	if file.Format != indexFormat {
		return nil, fmt.Errorf("format %d is not known: another version of avert wrote it", file.Format)
	}
	x := index{}
	for _, entry := range file.Files {
		if err := checkPath(entry.Path); err != nil {
			return nil, err
		}
		if sum, err := hex.DecodeString(entry.SHA256); err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("%s: %q is not a SHA-256", entry.Path, entry.SHA256)
		}
		x[entry.Path] = entry.SHA256
	}
	return x, nil
}
