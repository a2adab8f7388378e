// Package config is the configuration file: its types, their defaults, and the
// checks that a file must pass before anything is started with it.
//
// A file is YAML, read strictly. Reading has three steps:
//
//	text ──parse──▶ syntax tree ──decode──▶ Config ──check──▶ Config, defaults filled in
//	         │                        │                 │
//	         ╰──────── findings, each with line, column and excerpt ────────▶ *Error
//
// Invariants:
//
//   - Every finding of a file is reported at once, in the order of the file;
//     only broken YAML syntax ends the reading early.
//   - A field that the types do not have, a value of the wrong type and a field
//     that has no effect where it stands are findings, never ignored.
//   - A Config that Load or Parse returned is complete: every name it refers to
//     exists and every default is filled in. Nobody else invents a default.
//   - Loading touches nothing but the file: no connection is made, no name is
//     resolved.
package config
