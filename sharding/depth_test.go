package sharding

import (
	"strings"
	"testing"
	"time"
)

// TestHugeStatements: what a client can write must neither use up the stack nor take time that grows with its square.
func TestHugeStatements(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	for name, sql := range map[string]string{
		"not":         "SELECT " + strings.Repeat("NOT ", 1_000_000) + "1",
		"parentheses": "SELECT " + strings.Repeat("(", 1_000_000) + "1",
		"and":         "SELECT * FROM users WHERE id = 1" + strings.Repeat(" AND id = 1", 30_000),
		"ranges":      "SELECT * FROM users WHERE id > 1" + strings.Repeat(" AND id > 1", 30_000),
		"derived":     strings.Repeat("SELECT * FROM (", 150) + "SELECT * FROM users" + strings.Repeat(") d", 150),
		"derived in":  "SELECT * FROM users WHERE " + strings.Repeat("id IN (SELECT id FROM users WHERE ", 80) + "age = 1" + strings.Repeat(")", 80),
		"outer":       "SELECT 1 FROM users a1" + strings.Repeat(" LEFT JOIN users USING (id)", 500),
		"or":          "SELECT * FROM users WHERE id = 1" + strings.Repeat(" OR (id = 1 AND age = 2)", 10_000),
		"calls":       "SELECT " + strings.Repeat("f(1, ", 300_000) + "1",
		"list":        "SELECT * FROM users WHERE id IN (1" + strings.Repeat(", 1", 100_000) + ")",
		"rows":        "INSERT INTO shop.users VALUES (1, 'a', 2)" + strings.Repeat(", (2, 'b', 3)", 20_000),
		"union":       "SELECT 1" + strings.Repeat(" UNION SELECT 1", 10_000),
		"names":       "SELECT shop.users.id" + strings.Repeat(", shop.users.id", 20_000) + " FROM shop.users",
		"slots":       "SELECT USER()" + strings.Repeat(", USER()", 3_000) + " FROM users",
		"tables":      "SELECT 1 FROM users a1" + strings.Repeat(" JOIN users USING (id)", 500),
		"sets":        "SET @a = 1" + strings.Repeat(", @a = 1", 50_000),
		"scratch":     "SELECT * FROM users u JOIN orders o ON o.id = u.age WHERE u.age = 1" + strings.Repeat(" AND u.age = 1", 20_000),
		"subqueries":  "SELECT id FROM users WHERE 1 = 1" + strings.Repeat(" AND age IN (SELECT total FROM orders WHERE total = 5)", 2_000),
		"nearly":      "SELECT " + strings.Repeat("NOT ", maxDepth-10) + "1",
		"minus":       "SELECT " + strings.Repeat("- ", 500_000) + "1",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			st, lits, err := p.Parse(testEnv(), []byte(sql), nil)
			if err == nil && st.planner != nil {
				var plan Plan
				err = st.Plan(&plan, testInputs([]byte(sql), lits))
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
		})
	}
}
