// Package transcript plays sequences of commands, odd ones most of all, on a plain server and through
// the proxy, and compares the transcripts: every packet's number, every flag, code and SQLSTATE.
//
// Each sequence is delivered in several ways, of which none may change an answer: one command after the
// other, all in one write, byte by byte, with half a command behind whole ones, with the
// client's direction closed behind the last command, and to a client that reads slowly.
//
// Where the proxy answers otherwise on purpose, the sequence says what it answers, and why.
package transcript
