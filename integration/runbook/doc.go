// Package runbook runs docs/runbook.md: each of its command blocks, in the situation
// that it is written for, against a real cluster.
//
//	<!-- situation: NAME -->     what follows is run in the situation NAME, which this package sets up
//	<!-- meanwhile: NAME -->     something happens that is not the reader's doing, or takes time
//	```console                   commands after "$ ", each with lines that its output must have
//
// An expected line is found in the output in the order of the block; spaces count
// as one, "…" stands for anything, and "(exit code N)" at the end for a command that does not
// succeed. Names that the runbook uses stand for those of the test's own cluster: files, the admin
// port, and the variables that the runbook explains at its beginning.
//
// Invariants: no block goes without being run, and no situation without a block.
package runbook
