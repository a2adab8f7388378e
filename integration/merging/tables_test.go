package merging

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// definitions makes the tables and fills them: the same rows each time, with NULLs, equal values in other letters, and groups
// that lie on one, two and three shards.
func definitions() []string {
	r := rand.New(rand.NewPCG(7, 11))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	sql := []string{
		`CREATE TABLE events (account INT NOT NULL, id INT NOT NULL, kind INT NOT NULL, i INT, u BIGINT UNSIGNED, big BIGINT, d DECIMAL(12,3), f DOUBLE, fl FLOAT,
			s VARCHAR(20), b VARCHAR(10) COLLATE utf8mb4_bin, c CHAR(8), l VARCHAR(20) CHARACTER SET latin1, dt DATE, ts DATETIME(3), tm TIME(1), y YEAR, e ENUM('zebra','ape','Mouse'), st SET('x','b','a'), bits BIT(8),
			PRIMARY KEY (account, id)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`,
		`CREATE TABLE account (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, balance DECIMAL(10,2) NOT NULL) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`,
		`CREATE TABLE kind (id INT PRIMARY KEY, title VARCHAR(20) NOT NULL) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`,
		`INSERT INTO kind VALUES (1,'one'),(2,'two'),(3,'three'),(4,'four')`,
	}
	var rows, accounts []string
	for account := range 40 {
		accounts = append(accounts, fmt.Sprintf("(%d, '%s', %d.%02d)", account, pick("ann", "Bob", "cy", "dee"), r.IntN(1000), r.IntN(100)))
		for id := range r.IntN(6) {
			kind := 1 + r.IntN(3)
			if account == 7 {
				kind = 4 // one shard has it
			}
			rows = append(rows, fmt.Sprintf("(%d,%d,%d,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)", account, id, kind,
				pick("NULL", "0", "1", "2", "5", "-3", "7"), pick("NULL", "0", "3", "18446744073709551615", "20"), pick("NULL", "-9223372036854775808", "9", "9223372036854775807", "10"),
				pick("NULL", "0", "1.500", "-2.250", "10.001", "7.125"), pick("NULL", "0.5", "-1.25", "1e10", "2"), pick("NULL", "0.1", "0.2", "16777217"),
				pick("NULL", "''", "'a'", "'A'", "'á'", "'b '", "'B'", "'ss'", "'a\\t'"), pick("NULL", "'a'", "'A'", "'b'", "'c'"), pick("NULL", "'x'", "'X'", "'y z'"), pick("NULL", "'ñ'", "'n'", "'q'"),
				pick("NULL", "'2020-01-01'", "'2021-02-28'", "'1999-12-31'"), pick("NULL", "'2020-01-01 10:00:00.123'", "'2020-01-01 10:00:00.12'"), pick("NULL", "'10:00:00.5'", "'-01:00:00'", "'100:00:00'"),
				pick("NULL", "2001", "1999"), pick("NULL", "'zebra'", "'ape'", "'Mouse'"), pick("NULL", "''", "'x'", "'a,b'"), pick("NULL", "b'1'", "b'11111111'")))
		}
	}
	return append(sql, "INSERT INTO account VALUES "+strings.Join(accounts, ","), "INSERT INTO events VALUES "+strings.Join(rows, ","))
}
