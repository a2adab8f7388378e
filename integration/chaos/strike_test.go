package chaos

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lockstep/integration/cluster"
	"lockstep/proxy/admin"
)

func (w *world) freezeShard(i int) {
	w.setFrozen(i, true)
	if err := syscall.Kill(w.Shards[i].Pid, syscall.SIGSTOP); err != nil {
		w.t.Fatalf("freeze shard %d: %v", i+1, err)
	}
}

func (w *world) thawShard(i int) {
	if err := syscall.Kill(w.Shards[i].Pid, syscall.SIGCONT); err != nil {
		w.t.Fatalf("thaw shard %d: %v", i+1, err)
	}
	w.setFrozen(i, false)
}

// fillLog makes writes of the proxy's log fail as on a full disk: no file can grow, nor be written
// behind its meta pages. It takes no privilege, unlike a small disk. The log may say that it
// has failed; in three-phase mode it is hardly written.
func (f *fault) fillLog(p *cluster.Proxy) bool {
	const metaPages = 8192
	limit := unix.Rlimit{Cur: metaPages, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.Pid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		f.w.t.Fatalf("limit the file sizes of proxy %s: %v", p.ID, err)
	}
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) {
		var s admin.Status
		if err := p.Get("/api/v1/status", &s); err == nil && s.LogFailed != "" {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// silence one direction of the link or both.
func (f *fault) silence(link *cluster.Fault) {
	if f.silent != 1 {
		link.Silence(cluster.Requests)
	}
	if f.silent != 0 {
		link.Silence(cluster.Answers)
	}
}

// breakOne breaks the next connection that says something, and waits for it.
func (f *fault) breakOne(link *cluster.Fault) {
	rule := link.Arm(cluster.Rule{On: f.on, Answer: f.answer})
	select {
	case <-rule.Met():
	case <-time.After(3 * time.Second):
		f.met = false
	}
}
