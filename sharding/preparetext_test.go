package sharding

import (
	"fmt"
	"testing"
)

func TestPreparedStatementsAsText(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	for sql, want := range map[string]string{
		"PREPARE s FROM 'SELECT ''a'', ?'":        `{prepare s 'SELECT ''a'', ?' SELECT 'a', ? true []}`,
		"prepare `S x` from @text":                `{prepare S x @text  false []}`,
		"PREPARE s FROM CONCAT('a', 'b')":         `{prepare s CONCAT('a', 'b')  false []}`,
		"EXECUTE s":                               `{execute s   false []}`,
		"EXECUTE s USING @a, @b":                  `{execute s   false [@a @b]}`,
		"EXECUTE s USING 1 + f(2, 3), 'x, y'":     `{execute s   false [1 + f(2, 3) 'x, y']}`,
		"DEALLOCATE PREPARE s":                    `{deallocate s   false []}`,
		"DROP PREPARE s":                          `{deallocate s   false []}`,
		"EXECUTE IMMEDIATE 'SELECT ?' USING @a":   `{immediate  'SELECT ?' SELECT ? true [@a]}`,
		"EXECUTE IMMEDIATE concat('SELECT ', @x)": `{immediate  concat('SELECT ', @x)  false []}`,
		"PREPARE":                "1064",
		"PREPARE s":              "1064",
		"PREPARE s FROM":         "1064",
		"EXECUTE s USING":        "1064",
		"EXECUTE s USING @a,":    "1064",
		"EXECUTE s @a":           "1064",
		"DEALLOCATE s":           "1064",
		"DEALLOCATE PREPARE s t": "1064",
		"EXECUTE IMMEDIATE":      "1064",
	} {
		st, _, err := p.Parse(testEnv(), []byte(sql), nil)
		var got string
		if e, ok := err.(*Error); ok { //nolint:errorlint // Parse gives it as it is
			got = fmt.Sprint(e.Code)
		} else {
			got = fmt.Sprint(st.Prepare)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	for literal, want := range map[string]string{"'it''s'": "it's", "_utf8mb4 X'6162'": "ab", "X'41'": "A", "12": "12"} {
		if got, ok := LiteralText(literal); !ok || got != want {
			t.Errorf("%s: %q %v, want %q", literal, got, ok, want)
		}
	}
}
