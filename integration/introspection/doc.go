// Package introspection asks a proxy over three shards and a plain server what ORMs and tools ask about databases,
// tables, columns and keys. Both have the same tables with the same rows, so they must answer the same: the columns of
// the answer as drivers see them, and all values but sizes on disk and times.
//
// Invariants:
//
//   - Each query runs as text and as a prepared statement.
//   - What may differ is named, column by column; a column that is named without need fails.
package introspection
