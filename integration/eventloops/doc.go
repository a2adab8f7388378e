// Package eventloops tests what only event loops can get wrong: commands that arrive before their turn, clients that
// do not read, that never let go, or that log in while the proxy ends, and transactions whose connections were opened elsewhere.
package eventloops
