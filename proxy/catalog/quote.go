package catalog

import (
	"encoding/hex"
	"strings"
)

// identifier quotes a name; backticks mean the same under every sql_mode.
func identifier(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// literal writes text so that it means the same under every sql_mode. Text with
// anything but plain characters is written in hex, as utf8mb4 text: a bare x'…'
// would be binary and keep the server from using the index.
func literal(text string) string {
	for _, c := range []byte(text) {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '$' || c == '-'
		if !plain {
			return "_utf8mb4 x'" + hex.EncodeToString([]byte(text)) + "'"
		}
	}
	return "'" + text + "'"
}
