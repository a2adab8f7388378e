package main

import (
	"fmt"
	"net"
	"os"
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
%[8]s
Try:
  SELECT COUNT(*), SUM(balance) FROM account;                -- gathered from all shards
  EXPLAIN LOCKSTEP SELECT * FROM account WHERE id = 7;       -- which shard, and why
  BEGIN;                                                     -- a transfer across shards
    UPDATE account SET balance = balance - 10 WHERE id = 1;
    UPDATE account SET balance = balance + 10 WHERE id = 2;
    SHOW LOCKSTEP BRANCHES;
  COMMIT;
In another terminal:
  %-56[7]s   # in-doubt transactions: none, in peace
  kill -9 a shard, or this process, in the middle of it all: no transfer is ever half done

Folder: %[6]s (configuration lockstep.yaml). Ctrl-C stops everything.
`, host, port, p.Addr(), p.AdminAddr(), net.JoinHostPort(host, port), d.path, listCommand(p.AdminAddr()), socketLine(d.socket()))
}

// socketLine says how to connect without a port.
func socketLine(path string) string {
	if path == "" {
		return ""
	}
	return "  mariadb -S " + path + " -uapp -papp bank\n"
}

// listCommand is "txn list" as it has to be typed here: this program need not be on
// the PATH, nor its admin port the usual one.
func listCommand(admin string) string {
	c := os.Args[0] + " txn list"
	if admin != defaultAdmin {
		c += " --admin " + admin
	}
	return c
}
