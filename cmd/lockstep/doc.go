// Command lockstep is the proxy and its tools.
//
// Each subcommand has a file of its own, named after it; what several share has a
// file named after its subject (flags, signals, logging). Answers go to standard
// output, progress and complaints to standard error. Exit codes: 0 done, 1
// failed, 2 called in a way that it does not understand, 3 refused with a reason,
// 4 done or shown in part, because a shard could not be asked or a branch could not be settled yet.
//
// Invariants:
//
//   - The first SIGINT or SIGTERM ends a command in order, the second one at once.
//   - The proxy is only known as a gateway (start.go), so that the life of the
//     processes around it can be tested without it.
//   - dev never touches a server that it did not start, and never deletes data.
package main
