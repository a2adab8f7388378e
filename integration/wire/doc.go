// Package wire speaks the rarer parts of the client/server protocol with a real proxy over real
// servers, packet by packet, and compares what the proxy answers with what a server answers.
package wire
