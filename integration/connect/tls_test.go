package connect

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"lockstep/integration/cluster"
	"lockstep/integration/testca"
)

// A session over TLS does what any session does.
func TestTLS(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	c := start(t, cluster.Options{Shards: 2, Config: fmt.Sprintf("tls: {cert: %s, key: %s, ca: %s}\nlimits: {max_packet: 1048576}\n", cert, key, ca.File), Users: `
		{name: secured, password: pw, require: tls}
		{name: proven, password: pw, require: x509}
		{name: clear, password: pw, auth_plugin: mysql_clear_password}`[1:]})
	secure := login{tls: trust(t, ca)}
	k := secure.conn(t, c)
	line := shown(t, k)
	if !strings.HasPrefix(line["transport"], "TLS 1.3 TLS_") || line["plugin"] != "mysql_native_password" {
		t.Errorf("shown: %v", line)
	}
	for query, want := range map[string]string{"SHOW STATUS LIKE 'Ssl_version'": "TLSv1.3", "show session status like 'ssl_cipher'": "TLS_AES_128_GCM_SHA256"} {
		var name, value string
		if err := k.QueryRowContext(t.Context(), query).Scan(&name, &value); err != nil || value != want {
			t.Errorf("%s: %s %s %v", query, name, value, err)
		}
	}
	exec1(t, k, "CREATE DATABASE d")
	exec1(t, k, "CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)")
	big := strings.Repeat("x", 900_000)
	for i := range 4 {
		if _, err := k.ExecContext(t.Context(), "INSERT INTO d.t VALUES (?, ?)", i, big); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, k, "SELECT SUM(LENGTH(v)) FROM d.t"); got != "3600000" {
		t.Errorf("sum %s", got)
	}
	if got := one(t, k, "SELECT v FROM d.t WHERE id = ?", 3); got != big {
		t.Error("a large value is not what it was")
	}
	exec1(t, k, "BEGIN")
	for i := range 4 {
		exec1(t, k, fmt.Sprintf("UPDATE d.t SET v = 'y' WHERE id = %d", i))
	}
	exec1(t, k, "COMMIT")
	if got := one(t, k, "SELECT COUNT(*) FROM d.t WHERE v = 'y'"); got != "4" {
		t.Errorf("after the transaction: %s", got)
	}

	t.Run("kill", func(t *testing.T) {
		victim := secure.conn(t, c)
		id := one(t, victim, "SELECT CONNECTION_ID()")
		done := make(chan error, 1)
		go func() {
			_, err := victim.ExecContext(context.Background(), "SELECT SLEEP(20)")
			done <- err
		}()
		time.Sleep(100 * time.Millisecond)
		exec1(t, k, "KILL QUERY "+id)
		begin := time.Now()
		<-done // an answer or an error, by the server's version
		if time.Since(begin) > 5*time.Second {
			t.Error("the statement goes on")
		}
		if got := one(t, victim, "SELECT 7"); got != "7" {
			t.Errorf("after KILL QUERY: %s", got)
		}
		exec1(t, k, "KILL "+id)
		eventually(t, "the session ends", func() bool { return victim.PingContext(t.Context()) != nil })
	})
	t.Run("a packet that is too large", func(t *testing.T) {
		victim := secure.conn(t, c)
		_, err := victim.ExecContext(t.Context(), "SELECT '"+strings.Repeat("x", 3<<20)+"'")
		var me *mysql.MySQLError
		if !(errors.As(err, &me) && me.Number == 1153) && !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, mysql.ErrInvalidConn) {
			t.Errorf("%v", err)
		}
	})
	t.Run("what users require", func(t *testing.T) {
		login{user: "secured", password: "pw", tls: trust(t, ca)}.conn(t, c)
		before := refusals(t, c, "tls_required")
		login{user: "secured", password: "pw"}.refused(t, c, 1045, "Access denied for user 'secured'@'127.0.0.1' (using password: YES)")
		login{user: "proven", password: "pw", tls: trust(t, ca)}.refused(t, c, 1045, "'proven'")
		eventually(t, "both are counted", func() bool { return refusals(t, c, "tls_required") == before+2 })
		pair, err := tls.LoadX509KeyPair(ca.Issue("client"))
		if err != nil {
			t.Fatal(err)
		}
		with := trust(t, ca)
		with.Certificates = []tls.Certificate{pair}
		login{user: "proven", password: "pw", tls: with}.conn(t, c)
		login{user: "proven", password: "no", tls: with}.refused(t, c, 1045, "'proven'")
		login{user: "clear", password: "pw", tls: trust(t, ca)}.conn(t, c)
		login{user: "clear", password: "pw"}.refused(t, c, 1045, "'clear'")
	})
	t.Run("command lines", func(t *testing.T) {
		cert, key := ca.Issue("commandline")
		at := []string{"-h127.0.0.1", "-P" + port(t, c), "--protocol=tcp", "-N", "-e", "SELECT CURRENT_USER(); SHOW LOCKSTEP CONNECTIONS", "--ssl-ca=" + ca.File}
		for name, path := range programs(t) {
			verify := "--ssl-verify-server-cert"
			if name == "mysql" {
				verify = "--ssl-mode=VERIFY_IDENTITY"
			}
			got := commandLine(t, path, "pw", append(at, verify, "-uproven", "--ssl-cert="+cert, "--ssl-key="+key)...)
			if !strings.Contains(got, "proven@") || !strings.Contains(got, "TLS 1.3 TLS_AES") {
				t.Errorf("%s: %s", name, got)
			}
			got = commandLine(t, path, "pw", append(at, verify, "-uproven")...)
			if !strings.Contains(got, "ERROR 1045 (28000)") {
				t.Errorf("%s without a certificate: %s", name, got)
			}
		}
	})
	t.Run("a foreign certificate of a client", func(t *testing.T) {
		pair, err := tls.LoadX509KeyPair(testca.New(t).Issue("client"))
		if err != nil {
			t.Fatal(err)
		}
		with := trust(t, ca)
		with.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		before := refusals(t, c, "tls_failed")
		if k, err := (login{tls: with}).db(t, c).Conn(t.Context()); err == nil {
			_ = k.Close()
			t.Error("it is taken")
		}
		eventually(t, "the refusal is counted", func() bool { return refusals(t, c, "tls_failed") > before })
	})
	t.Run("a new certificate", func(t *testing.T) {
		serial := func() string {
			var name string
			with := trust(t, ca)
			with.VerifyConnection = func(s tls.ConnectionState) error {
				name = s.PeerCertificates[0].SerialNumber.String()
				return nil
			}
			k := login{tls: with}.conn(t, c)
			_ = k.Close()
			return name
		}
		first := serial()
		ca.Issue("server", "127.0.0.1")
		eventually(t, "the changed file is used", func() bool { return serial() != first })
		second := serial()
		ca.Issue("server", "127.0.0.1")
		if err := c.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "SIGHUP makes it read again", func() bool { return serial() != second })
		if got := one(t, k, "SELECT 1"); got != "1" {
			t.Error("a session from before does not go on")
		}
	})
	t.Run("the end", func(t *testing.T) {
		c.Stop() // must not hang on sessions with TLS that are idle
		if err := k.PingContext(t.Context()); err == nil {
			t.Error("the session goes on")
		}
	})
}

func TestTLSRequired(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	c := start(t, cluster.Options{Config: fmt.Sprintf("tls: {mode: required, cert: %s, key: %s, min_version: 1.3}\nsocket: s.sock\n", cert, key)})
	login{}.refused(t, c, 3159, "tls.mode")
	login{user: "nobody", password: "x"}.refused(t, c, 3159, "tls.mode")
	login{tls: trust(t, ca)}.conn(t, c)
	login{dial: socket(c)}.conn(t, c)
	old := trust(t, ca)
	old.MaxVersion = tls.VersionTLS12
	if k, err := (login{tls: old}).db(t, c).Conn(t.Context()); err == nil {
		_ = k.Close()
		t.Error("TLS 1.2 is spoken")
	}
	eventually(t, "both are counted", func() bool { return refusals(t, c, "tls_required") == 2 })
}

// Transactions over shards that are reached by TLS alone, in both modes, with a client certificate.
func TestTLSToShards(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue("server", "127.0.0.1")
	clientCert, clientKey := ca.Issue("lockstep")
	c := cluster.Start(t, cluster.Options{
		Shards: 2, ShardArgs: []string{"--ssl-ca=" + ca.File, "--ssl-cert=" + cert, "--ssl-key=" + key},
		ShardTLS: fmt.Sprintf("mode: verify-identity, ca: %s, cert: %s, key: %s", ca.File, clientCert, clientKey),
	})
	for _, s := range c.Shards {
		if err := s.Exec(t.Context(), "ALTER USER app REQUIRE X509"); err != nil {
			t.Fatal(err)
		}
	}
	c.StartProxy()
	k := login{}.conn(t, c)
	exec1(t, k, "CREATE DATABASE d")
	exec1(t, k, "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
	exec1(t, k, "INSERT INTO d.t VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	for _, mode := range []string{"2pc", "3pc"} {
		exec1(t, k, "SET lockstep_commit_mode = '"+mode+"'")
		for range 20 {
			exec1(t, k, "BEGIN")
			exec1(t, k, "UPDATE d.t SET v = v + 1")
			exec1(t, k, "COMMIT")
		}
	}
	if got := one(t, k, "SELECT SUM(v) FROM d.t"); got != "160" {
		t.Errorf("after the transactions: %s", got)
	}
	// The shards have no other connections of that user.
	for i := range c.Shards {
		db, err := c.Shards[i].Root()
		if err != nil {
			t.Fatal(err)
		}
		var n int
		err = db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'").Scan(&n)
		if err != nil || n == 0 {
			t.Errorf("shard %d: %d connections, %v", i, n, err)
		}
		_ = db.Close()
	}
}
