// Package lockstep is the root of the module and holds no code: the program is
// cmd/lockstep. Its test holds the packages to the module's layout:
//
//	cmd/lockstep/   main; one file per subcommand
//	config/         the YAML file: types, defaults, strict decoding, validation
//	proxy/          client sessions, execution of plans, merging, admin port
//	sharding/       pure: SQL in, plan out
//	coordinator/    distributed commit: state machine, driver, resolver
//	txlog/          the decision log
//	backend/        one shard server: pool, session state, XA verbs
//	protocol/       the MySQL wire protocol, without policy
//	eventloop/      many connections on few goroutines (epoll)
//	localdb/        private MariaDB servers for dev and tests
//	integration/    end-to-end tests and benchmarks
//
// Imports go down one way only:
//
//	cmd ─▶ proxy ─▶ sharding ────▶ config
//	            ├─▶ coordinator ─▶ txlog
//	            └─▶ backend ─────▶ protocol, eventloop
package lockstep
