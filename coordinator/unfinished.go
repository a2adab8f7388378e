package coordinator

import (
	"slices"
	"sync"
)

// unfinished are the transactions whose decision is in the log and that nobody drives any
// more. One may be forgotten when every participant's shard has been listed, after
// the transaction was last seen prepared anywhere, and had nothing of it.
type unfinished struct {
	mu  sync.Mutex
	txs map[string]*unfinishedTx
}

type unfinishedTx struct {
	participants []string
	seen         uint64   // tick of the hand-over, or when it was last seen prepared
	clean        []uint64 // by participant: tick of the newest listing without it; 0: none
}

func (u *unfinished) init() { u.txs = map[string]*unfinishedTx{} }

func (u *unfinished) add(gtrid string, participants []string, tick uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.txs[gtrid] = &unfinishedTx{slices.Clone(participants), tick, make([]uint64, len(participants))}
}

func (u *unfinished) len() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.txs)
}

// listed takes in a listing of one shard that began at tick began. prepared are the
// gtrids that it showed and that were not settled since. It returns, and drops, what may be forgotten.
func (u *unfinished) listed(shard string, began, now uint64, prepared map[string]bool) (done []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for gtrid, t := range u.txs {
		if prepared[gtrid] { // also where it does not take part: then something is wrong, and it stays
			t.seen = now
			continue
		}
		if i := slices.Index(t.participants, shard); i >= 0 {
			t.clean[i] = began
		}
		if t.cleanEverywhere() {
			delete(u.txs, gtrid)
			done = append(done, gtrid)
		}
	}
	return done
}

func (t *unfinishedTx) cleanEverywhere() bool {
	for _, c := range t.clean {
		if c <= t.seen {
			return false
		}
	}
	return true
}

// unknownParticipants names decisions with a participant that is not among the shards.
func (u *unfinished) unknownParticipants(known func(shard string) bool) map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]string{}
	for gtrid, t := range u.txs {
		for _, p := range t.participants {
			if !known(p) {
				out[gtrid] = p
			}
		}
	}
	return out
}
