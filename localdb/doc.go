// Package localdb runs private MariaDB and MySQL servers for trying things out: the shards
// of "lockstep dev" and the servers of integration tests. Linux only.
//
// Each server has a folder of its own:
//
//	DIR/data/         the data directory, copied from a template that is initialised once
//	DIR/mariadb.sock  root logs in here, without a password; the folder is closed to others. Or mysql.sock
//	DIR/mariadb.pid   written by the server when it is ready. Or mysql.pid
//	DIR/port          the TCP port, kept over restarts
//	DIR/tmp/          its temporary tables; never shared, see Server.tmpDir
//	DIR/error.log     the server's own log
//
// Invariants:
//
//   - A server outlives the process that started it, whatever ends that process:
//     it has its own session, so a Ctrl-C in the terminal does not reach it. Start
//     takes over a server that still runs.
//   - A process is signalled only while its command line shows that it is a
//     server with this data directory: a recycled process id is left alone.
//   - A folder keeps its engine: the other one is refused (*EngineError).
//   - Settings are crash safe (innodb_flush_log_at_trx_commit=1): kill -9 loses no
//     acknowledged transaction.
//   - Nothing is reachable from other machines: servers listen on 127.0.0.1.
package localdb
