// Package limits has the proxy in the situations in which memory, connections and patience run out: thousands of
// clients that say nothing, thousands that all want something at once, one that reads a result of 2 GiB slowly, and
// thousands that send nonsense.
//
// By itself each test takes some seconds. With LOCKSTEP_LIMITS=full (make limits) it has the numbers of its comment,
// and says what it measured.
package limits
