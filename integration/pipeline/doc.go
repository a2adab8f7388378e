// Package pipeline tests what event loops and shared server connections do to clients, which is nothing: under load, beside
// statements that take long, when sessions are killed, when clients misbehave and when servers break. Real servers, a real
// proxy; every answer is checked against what its asker alone knows. It measures allocations in steady state, too.
package pipeline
