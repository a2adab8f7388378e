package sharding

import (
	"errors"
	"fmt"
	"testing"
)

func TestQueriesBeyondTheParser(t *testing.T) {
	p := NewPlanner(testSchema(t), Limits{})
	const table = "JSON_TABLE(users.name, '$[*]' COLUMNS(a INT PATH '$')) AS jt"
	for sql, want := range map[string]string{
		"SELECT * FROM users WHERE id = 1 LOCK IN SHARE MODE NOWAIT":                         "1",
		"SELECT * FROM users LOCK IN SHARE MODE WAIT 3":                                      "4",
		"SELECT * FROM users FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01' WHERE id = 1":      "1",
		"SELECT * FROM users FOR SYSTEM_TIME AS OF NOW() - INTERVAL 1 DAY u WHERE u.id = 1":  "1",
		"SELECT COUNT(*) FROM users FOR SYSTEM_TIME BETWEEN @a AND '2020-01-01 10:00:00' u":  "4",
		"SELECT * FROM users FOR SYSTEM_TIME FROM '2019-01-01' TO '2020-01-01' WHERE id = 1": "1",
		"SELECT * FROM users FOR SYSTEM_TIME ALL ORDER BY id LIMIT 3":                        "4",
		"SELECT * FROM users FOR SYSTEM_TIME ALL JOIN orders ON age = total":                 "1235",
		"SELECT * FROM users WHERE id = 1 ORDER BY id OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY":  "1",
		"SELECT * FROM users ORDER BY id OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY":               "scratch",
		"SELECT * FROM users ORDER BY age FETCH FIRST 3 ROWS WITH TIES":                      "scratch",
		"SELECT jt.a FROM users, " + table + " WHERE users.id = 1":                           "1",
		"SELECT jt.a FROM users, " + table:                                                   "scratch",
		"SELECT jt.a FROM users, JSON_TABLE((SELECT name FROM orders), '$') AS jt":           "1235",
		"SELECT * FROM users WHERE name SOUNDS LIKE 'x' AND id = 1":                          "1",
		"SELECT * FROM names WHERE name SOUNDS LIKE 'x'":                                     "4",
		"SELECT * FROM users WHERE 'a' SOUNDS LIKE 'b'":                                      "4",
		"SELECT * FROM users LIMIT 5 ROWS EXAMINED 100":                                      "1235",
		"SELECT * FROM (SELECT id FROM users) AS t(a)":                                       "1235",
		"ANALYZE FORMAT=JSON SELECT * FROM users WHERE id = 1":                               "1",
		"ANALYZE UPDATE users SET age = 1":                                                   "1064",
		"EXPLAIN ANALYZE UPDATE users SET age = 1":                                           "1235",
		"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'":                                     "1",
		"SELECT * FROM users u WHERE id = 1 FOR UPDATE OF u NOWAIT":                          "1",
		"HANDLER users OPEN": "1235",
	} {
		st, lits, err := p.Parse(testEnv(), []byte(sql), nil)
		var plan Plan
		if err == nil {
			err = st.Plan(&plan, &Inputs{Prefer: -1, SQL: []byte(sql), Literals: lits, MayScratch: true})
		}
		got := fmt.Sprint(len(plan.Targets))
		if e := new(Error); errors.As(err, &e) {
			got = fmt.Sprint(e.Code)
		} else if plan.Scratch != nil {
			got = "scratch"
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", sql, got, want, err)
		}
		for _, target := range plan.Targets {
			if got == "1" && target.SQL != nil {
				t.Errorf("%s: the shard gets %s", sql, target.SQL)
			}
		}
	}
}
