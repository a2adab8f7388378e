package backend

import (
	"errors"

	"lockstep/protocol"
)

// A transaction that can never have a second participant needs no XA: on a connection with autocommit=0 its first statement
// begins it, and COMMIT or ROLLBACK ends it. It costs the server two statements less, and with MariaDB's binary log its acknowledged
// COMMIT is final, which that of XA COMMIT … ONE PHASE is not (onephase.go). It is never prepared, so that recovery never meets it: its
// connection's end rolls it back.

// NewPlainBranch is NewBranch for a transaction that stays alone. The name is for people, and for its marker.
func NewPlainBranch(c *Conn, gtrid, bqual string) *Branch {
	b := NewBranch(c, gtrid, bqual)
	b.plain = true
	return b
}

// Plain says whether it is a transaction without XA.
func (b *Branch) Plain() bool { return b.plain }

var errPlain = errors.New("it was begun as a transaction of one shard, which cannot be prepared")

// Ending is how many answers follow SendCommitOnePhase.
func (b *Branch) Ending() int {
	if b.plain {
		return 1
	}
	return 2
}

// plainVerb is what stands for an XA verb, whatever the client has set completion_type to.
func plainVerb(verb string) string {
	if verb == "XA ROLLBACK " {
		return "ROLLBACK AND NO CHAIN NO RELEASE"
	}
	return "COMMIT AND NO CHAIN NO RELEASE"
}

// sendEnd sends what ends an active branch: XA END and a verb, or a plain transaction's verb.
func (b *Branch) sendEnd(verb, suffix string) error {
	if b.plain {
		verb = plainVerb(verb)
		return b.c.fail(verb, b.c.send(protocol.ComQuery, verb))
	}
	return b.sendPair("XA END ", verb, suffix)
}

func (b *Branch) readEnd(verb string) error {
	if b.plain {
		_, err := b.c.readOK()
		return b.c.fail(plainVerb(verb), err)
	}
	return b.readPair("XA END ", verb)
}
