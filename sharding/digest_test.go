package sharding

import (
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	for _, c := range []struct {
		sql      string
		prepared bool
		want     string
	}{
		{sql: "UPDATE customer\n\t SET balance = balance - 10, note = 'it''s  two  words' WHERE id = 7", want: "UPDATE customer SET balance = balance - ?, note = ? WHERE id = ?"},
		{sql: "SELECT 0x41, 1.5e3, -2 FROM customer WHERE id IN (1,2,3)", want: "SELECT ?, ?, -? FROM customer WHERE id IN (?,?,?)"},
		{sql: "SELECT balance FROM customer WHERE id = ? AND note = 'secret'", prepared: true, want: "SELECT balance FROM customer WHERE id = ? AND note = ?"},
	} {
		got := digestOf(t, c.sql, c.prepared)
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
	long := digestOf(t, "SELECT "+strings.Repeat("id + 'secret' + ", 1000)+"1 FROM customer", false)
	if len(long) > digestLimit+len("…") || !strings.HasSuffix(long, "…") || strings.Contains(long, "secret") {
		t.Errorf("%d bytes: %s", len(long), long)
	}
}

func digestOf(t *testing.T, sql string, prepared bool) string {
	t.Helper()
	p := NewPlanner(testSchema(t), Limits{})
	env := &Env{Database: "shop"}
	if prepared {
		st, err := p.ParsePrepared(env, []byte(sql))
		if err != nil {
			t.Fatal(err)
		}
		return st.Digest
	}
	for range 2 { // parsed, then from the cache
		if _, _, err := p.Parse(env, []byte(sql), nil); err != nil {
			t.Fatal(err)
		}
	}
	st, _, err := p.Parse(env, []byte(sql), nil)
	if err != nil {
		t.Fatal(err)
	}
	return st.Digest
}
