package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// schedule draws faults from a seed: nothing that happens has a part in it.
type schedule struct {
	rnd    *rand.Rand
	config configuration
	bag    []kind // each kind comes once before any comes again
}

func newSchedule(seed uint64, c configuration) *schedule {
	return &schedule{rnd: rand.New(rand.NewPCG(seed, 0xfa17)), config: c}
}

// strike is what happens at once: one fault, or two that overlap.
type strike struct {
	pause  time.Duration // before it
	faults []spec
	apart  time.Duration // between the begins of two
	swap   bool          // the second ends first
}

func (s *schedule) between(least, most time.Duration) time.Duration {
	return (least + time.Duration(s.rnd.Int64N(int64(most-least)))).Round(time.Millisecond)
}

func (s *schedule) next() strike {
	st := strike{pause: s.between(100*time.Millisecond, 600*time.Millisecond), faults: []spec{s.draw()}}
	if s.rnd.IntN(3) > 0 {
		return st
	}
	st.apart, st.swap = s.between(0, 300*time.Millisecond), s.rnd.IntN(2) == 0
	for range 5 {
		second := s.draw()
		if second.target() == st.faults[0].target() || second.slow() && st.faults[0].slow() {
			s.bag = append(s.bag, second.kind)
			continue
		}
		st.faults = append(st.faults, second)
		break
	}
	return st
}

// slow faults wait for something to happen, which another such fault may prevent.
func (s spec) slow() bool {
	return s.kind == stepProxy || s.kind == fullLog || s.kind == breakInSession
}

func (s *schedule) draw() spec {
	if len(s.bag) == 0 {
		s.bag = s.kinds()
		s.rnd.Shuffle(len(s.bag), func(i, j int) { s.bag[i], s.bag[j] = s.bag[j], s.bag[i] })
	}
	f := spec{kind: s.bag[0], proxy: s.rnd.IntN(s.config.proxies), shard: s.rnd.IntN(shardCount)}
	s.bag = s.bag[1:]
	f.hold = s.between(50*time.Millisecond, 800*time.Millisecond)
	switch f.kind {
	case freezeProxy, freezeShard, halfOpen, killUnseen:
		if s.rnd.IntN(2) == 0 { // beyond the time limits
			f.hold = s.between(3*time.Second, 5*time.Second)
		}
	case refuseLink:
		f.hold = s.between(200*time.Millisecond, 2500*time.Millisecond)
	case loseProxy: // until the others must have ended its transactions
		f.hold = 2500 * time.Millisecond
	}
	switch f.kind {
	case killProxy, loseProxy, freezeProxy, killShard, freezeShard:
		f.aim = s.rnd.IntN(4) > 0
	}
	f.again = max(0, s.rnd.IntN(5)-2)
	f.step = s.step()
	f.silent, f.deliver = s.rnd.IntN(3), s.rnd.IntN(2) == 0
	on := []string{"XA PREPARE", "XA COMMIT", "XA START", "XA ROLLBACK", "UPDATE"}
	if s.config.mode == "3pc" {
		on = append(on, "lockstep.branch")
	}
	f.on = on[s.rnd.IntN(len(on))]
	f.answer = []int{-1, 0, 3, 5, 11, 15}[s.rnd.IntN(6)]
	return f
}

func (s *schedule) kinds() []kind {
	list := []kind{
		killProxy, killProxy, stepProxy, stepProxy, stepProxy, freezeProxy, freezeProxy, fullLog, killShard, killShard, killUnseen,
		freezeShard, cutLink, refuseLink, halfOpen, halfOpen, breakInSession, breakInSession, breakInSession,
	}
	if s.config.mode == "3pc" && s.config.proxies > 1 {
		list = append(list, loseProxy, loseProxy)
	}
	return list
}

// step of a commit at which a proxy dies; the round lets some commits pass before.
func (s *schedule) step() string {
	steps := []string{"before-prepare", "prepared:1", "prepared:2", "all-prepared", "committed:1", "committed:2", "all-committed"}
	if s.config.mode == "2pc" {
		steps = append(steps, "decision-written", "decision-durable")
	}
	step := steps[s.rnd.IntN(len(steps))]
	k := ":0"
	if i := slices.Index([]byte(step), ':'); i >= 0 {
		k = ""
	}
	return fmt.Sprintf("%s%s:%d", step, k, 1+s.rnd.IntN(20))
}

// The same seed gives the same faults, and every kind comes.
func TestScheduleRepeats(t *testing.T) {
	for _, text := range []string{"mariadb/2pc/1", "mysql/3pc/3/binlog"} {
		c, err := parseConfiguration(text)
		if err != nil {
			t.Fatal(err)
		}
		a, b, other := newSchedule(7, c), newSchedule(7, c), newSchedule(8, c)
		seen, same := map[kind]bool{}, 0
		for range 200 {
			one, two, three := a.next(), b.next(), other.next()
			if fmt.Sprint(one) != fmt.Sprint(two) {
				t.Fatalf("the same seed gives %v and %v", one, two)
			}
			if fmt.Sprint(one) == fmt.Sprint(three) {
				same++
			}
			for _, f := range one.faults {
				seen[f.kind] = true
			}
			if len(one.faults) == 2 && one.faults[0].target() == one.faults[1].target() {
				t.Errorf("two faults at once on one target: %v", one)
			}
		}
		if same > 0 {
			t.Errorf("two seeds have %d strikes in common", same)
		}
		for _, k := range a.kinds() {
			if !seen[k] {
				t.Errorf("%s: no fault %q in 200 strikes", text, k)
			}
		}
	}
}
