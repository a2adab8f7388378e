package sim

import (
	"slices"
	"time"
)

// fault is something that goes wrong, or that somebody does.
type fault uint8

const (
	faultCrashProxy fault = iota
	faultCrashServer
	faultFreeze
	faultWake
	faultCut
	faultReset
	faultHeal
	faultKill
	faultLoseDisk
	faultFullDisk
	faultClockForward
	faultClockBack
	faultClientLeaves
	faultOperator
	faultLookUp
	faultStart
	faultRestartServer
	faultListInDoubt
	faultLongPause
	faultSnapshot
	faultRecover
	faultCount

	// What happens to single messages and writes.
	faultLostRequest fault = iota - 1
	faultLostAnswer
	faultLateRequest
	faultLockTimeout
	faultGateTimeout
	faultPrepareRefused
	faultRetry
	faultQueueFull
	faultWriteError
	faultDiskFull
	faultSyncError
	faultUnsynced
	faultLateFromFrozen
	faultPurge
	faultKinds
)

var faultNames = [faultKinds]string{"proxy crashes", "server crashes", "proxy frozen", "proxy wakes up", "network cut", "connections reset", "network heals",
	"session killed", "disk lost", "disk full", "clock jumps forward", "clock jumps back", "client leaves", "operator's verdict", "token looked up",
	"proxy starts again", "server starts again", "in-doubt list", "long pause", "gate taken", "recovery asked for",
	"request lost", "answer lost", "request arrives late", "lock wait timeout", "gate timeout", "prepare refused", "commit to be retried", "queue full",
	"write error", "write to a full disk", "sync error", "unsynced write at a crash", "late request of a frozen proxy", "marker purged"}

func (f fault) String() string { return faultNames[f] }

// strike lets something go wrong, if it can.
func (w *world) strike() bool {
	total := 0
	for _, n := range w.luck.weights {
		total += n
	}
	if total == 0 {
		return false
	}
	n := w.rng.IntN(total)
	for f, weight := range w.luck.weights {
		if n -= weight; n < 0 {
			return w.happen(fault(f))
		}
	}
	return false
}

func (w *world) happen(f fault) bool {
	p, s := pick(w, w.proxies), pick(w, w.servers)
	if w.victim != nil {
		p, s = w.victim.proxy, pick(w, w.victim.client.shards)
	}
	switch f {
	case faultCrashProxy:
		if p.life == nil {
			return false
		}
		w.sawAll(f, p)
		p.crash()
	case faultStart:
		if p.life != nil || p.gone {
			return false
		}
		w.sawAll(f, p)
		p.start()
	case faultCrashServer:
		if !s.up {
			return false
		}
		w.sawAll(f, nil)
		for _, s := range s.host() {
			s.crash()
		}
	case faultRestartServer:
		if s.up {
			return false
		}
		w.sawAll(f, nil)
		w.serverUp(s)
	case faultFreeze:
		if p.life == nil || p.life.frozen {
			return false
		}
		w.sawAll(f, p)
		p.freeze()
		if w.chance(50) { // for long
			w.pass(w.between(5*time.Second, 30*time.Second))
		}
	case faultWake:
		if p.life == nil || !p.life.frozen {
			return false
		}
		w.sawAll(f, p)
		p.wake()
	case faultCut, faultReset:
		if p.cut[s] != notCut {
			return false
		}
		w.sawAll(f, p)
		p.cut[s] = map[fault]cutKind{faultCut: silent, faultReset: refused}[f]
		w.tell("network", "between %s and %s: %s", p.name, s.name, f)
	case faultHeal:
		if p.cut[s] == notCut {
			return false
		}
		w.sawAll(f, p)
		delete(p.cut, s)
		w.tell("network", "between %s and %s heals", p.name, s.name)
	case faultKill:
		if len(s.sessions) == 0 {
			return false
		}
		sess := pick(w, s.sessions)
		if b := w.branchOf(w.victim, s); b != nil && b.owner != nil {
			sess = b.owner
		}
		w.saw(f, w.phaseOf(sess.tx()))
		w.tell(s.name, "session %d of %s is killed", sess.id, sess.life.name)
		sess.killed = true
	case faultLoseDisk:
		if p.life != nil || len(w.txs) == 0 {
			return false
		}
		w.sawAll(f, p)
		p.loseDisk()
	case faultFullDisk:
		if p.disk.full {
			return false
		}
		w.sawAll(f, p)
		w.tell(p.name, "its disk is full")
		p.disk.full = true
	case faultClockForward, faultClockBack:
		if slices.ContainsFunc(w.txs, func(t *transaction) bool { return t.life == p.life && !t.over }) {
			// Within one transaction the coordinator compares times, and real ones count on when the
			// calendar is changed (package time: monotonic clocks). These do not.
			return false
		}
		d := w.between(time.Second, time.Hour)
		if f == faultClockBack {
			d = -d
		}
		w.sawAll(f, p)
		w.tell(p.name, "its clock jumps by %v", d.Round(time.Millisecond))
		p.skew += d
	case faultClientLeaves:
		c := pick(w, w.clients)
		if w.victim != nil {
			c = w.victim.client
		}
		if c.life == nil || c.told {
			return false
		}
		w.saw(f, w.phaseOf(c.t))
		w.tell(c.name, "leaves")
		w.later(c.leave)
	case faultOperator:
		return w.operate()
	case faultLookUp:
		return w.lookUp()
	case faultListInDoubt:
		return w.listInDoubt()
	case faultLongPause:
		w.sawAll(f, nil)
		w.pass(w.between(30*time.Second, 5*time.Minute))
	case faultRecover:
		return w.recover()
	case faultSnapshot:
		return w.takeGate()
	}
	return true
}

func (w *world) branchOf(t *transaction, s *server) *branch {
	if t == nil {
		return nil
	}
	return t.at(s)
}

func (sess *session) tx() *transaction {
	if sess.b == nil {
		return nil
	}
	return sess.b.tx
}

// serverUp restarts a server, and some proxies notice by themselves.
func (w *world) serverUp(s *server) {
	for _, s := range s.host() {
		s.restart()
		for _, p := range w.running() {
			if w.rng.IntN(2) == 0 {
				l := p.life
				w.later(func() { l.coord.ShardUp(s.name) })
			}
		}
	}
}

// sawAll counts a fault once for each phase that a transaction concerned is in.
func (w *world) sawAll(f fault, p *proxy) {
	var phases [phaseCount]bool
	any := false
	for _, t := range w.txs {
		if ph := w.phaseOf(t); ph != phaseOver && (p == nil || t.proxy == p) {
			phases[ph], any = true, true
		}
	}
	phases[phaseIdle] = !any
	for ph, is := range phases {
		if is {
			w.saw(f, phase(ph))
		}
	}
}
