package differential

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"lockstep/integration/cluster"
	"lockstep/localdb"
)

// setUp draws the tables of a round, and what is in them.
func (a *author) setUp() (steps []*step) {
	a.relations, a.variables, a.names = nil, nil, 0
	add := func(names []string, n int) {
		for _, i := range a.r.Perm(len(names))[:n] {
			a.relations = append(a.relations, a.relation(names[i]))
		}
	}
	a.groupKey = a.keyColumn("id", false)
	add(hashed, a.r.IntN(2)+1)
	add(bounded, a.r.IntN(2)+1)
	add(placed, a.r.IntN(2)+1)
	add(others, a.r.IntN(2))
	if a.chance(40) {
		add(grouped, 2)
	}
	for _, r := range a.relations {
		steps = append(steps, &step{tree: r.definition()})
	}
	for _, r := range a.relations {
		for range a.r.IntN(3) {
			steps = append(steps, &step{tree: seq("INSERT IGNORE INTO "+r.name+" ("+names(r.written())+") VALUES ", a.tuples(r, r.written(), a.r.IntN(10)+1))})
		}
	}
	return steps
}

// next draws a statement; inside counts down to the end of a transaction.
func (a *author) next(inside *int) *step {
	switch n := a.r.IntN(100); {
	case *inside == 1:
		*inside = 0
		return &step{tree: word(pick(a.generator, "ROLLBACK", "ROLLBACK", "COMMIT"))}
	case *inside > 1:
		*inside--
		switch {
		case n < 5:
			return &step{tree: word("SAVEPOINT sp")}
		case n < 8:
			return &step{tree: word("ROLLBACK TO SAVEPOINT sp")}
		case n < 55:
			return a.change()
		}
	case n < 5:
		*inside = a.r.IntN(10) + 2
		return &step{tree: word(pick(a.generator, "BEGIN", "START TRANSACTION"))}
	case n < 9 && *inside == 0:
		r := pick(a.generator, a.relations...)
		name := pick(a.generator, "@v1", "@v2")
		a.variables = append(a.variables, name)
		return &step{tree: seq("SELECT "+pick(a.generator, "COUNT(*)", "MAX(n)", "SUM(n)")+" INTO "+name+" FROM "+r.name, a.where([]*source{{alias: r.name, attributes: r.attributes}}))}
	case n < 12:
		name := pick(a.generator, "@v1", "@v2")
		x := value(int64(a.r.IntN(30)))
		if a.chance(40) {
			x = a.scalarSubquery(nil, 1)
		}
		a.variables = append(a.variables, name)
		return &step{tree: seq("SET "+name+" = ", x)}
	case n < 35:
		return a.change()
	}
	st := a.read()
	if *inside > 1 && a.chance(15) {
		st.tree.kids = append(st.tree.kids, maybe(pick(a.generator, " FOR UPDATE", " LOCK IN SHARE MODE")))
	}
	return st
}

// TestRandom runs the same random statements over random tables on one server and through the proxy, on clusters of
// several sizes.
func TestRandom(t *testing.T) {
	seed := setting(t, "LOCKSTEP_DIFF_SEED", 1)
	usual := uint64(2000)
	if cluster.Engine(t) == localdb.MySQL { // whose DDL takes longer
		usual = 500
	}
	statements := int(setting(t, "LOCKSTEP_DIFF_STATEMENTS", usual)) / len(shardCounts)
	wrongs := int(setting(t, "LOCKSTEP_DIFF_WRONG", 5)) // differences shown before it gives up
	counts := shardCounts
	if n := int(setting(t, "LOCKSTEP_DIFF_SHARDS", 0)); n > 0 {
		counts, statements = []int{n}, statements*len(shardCounts)
	}
	c := cluster.Start(t, cluster.Options{Shards: slices.Max(counts)})
	plain := oracle(t)
	for _, n := range counts {
		t.Run(fmt.Sprintf("%d shards", n), func(t *testing.T) {
			p := c.AddProxy(cluster.ProxyOptions{Shards: n, Config: rules(n)})
			p.Start()
			b := connectBoth(t, plain, p)
			a := &author{typed: b.typesByPlace, generator: &generator{r: rand.New(rand.NewPCG(seed, uint64(n)))}}
			begun := time.Now()
			for b.asked < statements && b.wrong < wrongs {
				b.round(a, 120)
			}
			b.summary(seed, time.Since(begun))
			if _, err := b.proxy.text("DROP DATABASE d"); err != nil {
				t.Error(err)
			}
			p.Stop()
		})
	}
}

func (b *bench) summary(seed uint64, took time.Duration) {
	refused := 0
	for _, n := range b.refused {
		refused += n
	}
	b.t.Logf("seed %d: %d statements in %.1f s, %d refused; %d SELECTs, %.2f %% answered; %d wrong", seed, b.asked, took.Seconds(), refused,
		b.reads, 100*float64(b.reads-b.refusedReads)/float64(max(b.reads, 1)), b.wrong)
	if 100*b.refusedReads > b.reads && !b.typesByPlace { // MySQL cannot read a temporary table twice
		b.t.Errorf("%d of %d SELECTs are refused, more than one in a hundred", b.refusedReads, b.reads)
	}
	b.t.Logf("  errors of the plain server, by code: %v", b.errors)
	for reason, n := range b.open {
		b.t.Logf("  open %d: %s", n, reason)
	}
	reasons := slices.Collect(maps.Keys(b.refused))
	slices.SortFunc(reasons, func(x, y string) int { return b.refused[y] - b.refused[x] })
	for _, r := range reasons {
		b.t.Logf("  refused %d: %s", b.refused[r], r)
		if os.Getenv("LOCKSTEP_DIFF_SHOW") != "" {
			b.t.Logf("    %s", b.examples[r])
		}
	}
}
