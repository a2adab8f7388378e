package main

import (
	"fmt"
	"net"
)

// printWelcome says how to connect and what to try.
func printWelcome(t terminal, p gateway, d *devDir) {
	host, port, err := net.SplitHostPort(p.Addr())
	if err != nil {
		host, port = p.Addr(), "" // a listener's address always has both
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	fmt.Fprintf(t.out, `Lockstep listens on %[3]s, for operators on %[4]s.

Connect:
  mariadb -h%[1]s -P%[2]s -uapp -papp bank
  mysql   -h%[1]s -P%[2]s -uapp -papp bank
  Go DSN: app:app@tcp(%[5]s)/bank

Try:
  SELECT COUNT(*), SUM(balance) FROM account;                -- gathered from all shards
  EXPLAIN LOCKSTEP SELECT * FROM account WHERE id = 7;       -- which shard, and why
  BEGIN;                                                     -- a transfer across shards
    UPDATE account SET balance = balance - 10 WHERE id = 1;
    UPDATE account SET balance = balance + 10 WHERE id = 2;
    SHOW LOCKSTEP BRANCHES;
  COMMIT;
In another terminal:
  lockstep txn list                                          # in-doubt transactions: none, in peace
  kill -9 a shard, or this process, in the middle of it all: no transfer is ever half done

Folder: %[6]s (configuration lockstep.yaml). Ctrl-C stops everything.
`, host, port, p.Addr(), p.AdminAddr(), net.JoinHostPort(host, port), d.path)
}
