package definition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/backend"
)

// RepairOptions say what Repair does where it could do several things.
type RepairOptions struct {
	Back   bool     // undo unfinished statements where they were done, instead of doing them where they were not
	Forget string   // the record that is dropped, whatever the shards have
	Like   string   // the shard whose definitions the others take, where no statement explains a difference; "": those are left
	Only   []string // database.name of what is mended; empty: all
	DryRun bool
	// MayCreate says why a table must not be made empty on a shard that lacks it; nil: it may.
	MayCreate func(o Object, shard string) error
}

func (r *RepairOptions) wants(o Object) bool {
	return len(r.Only) == 0 || slices.Contains(r.Only, o.Database+"."+o.Name) || o.Name == "" && slices.Contains(r.Only, o.Database)
}

// Plan finds the steps that mend what the inventories show. Each statement's steps stand together, the removal of its
// record at their end.
func Plan(list []*Inventory, expect Expect, n Names, r RepairOptions) []Step {
	var steps []Step
	explained := map[Object]bool{}
	for _, st := range Statements(list) {
		for _, o := range st.Intent.Objects {
			explained[o] = true
		}
		if slices.ContainsFunc(st.Intent.Objects, r.wants) {
			steps = append(steps, st.plan(n, r)...)
		}
	}
	if r.Like == "" || r.Forget != "" {
		return steps
	}
	i := slices.IndexFunc(list, func(inv *Inventory) bool { return inv.Shard == r.Like })
	if i < 0 || list[i].Err != nil {
		return append(steps, Step{Object: "everything", Shard: r.Like, Refused: "the shard to go by could not be asked"})
	}
	model := list[i]
	for _, inv := range list {
		if inv == model || inv.Err != nil {
			continue
		}
		for _, o := range objects([]*Inventory{model, inv}) {
			if step, ok := takeOver(o, model, inv, expect, n, r); ok && !explained[o] && r.wants(o) {
				steps = append(steps, step)
			}
		}
	}
	return steps
}

// takeOver makes a shard's definition the model's.
func takeOver(o Object, model, inv *Inventory, expect Expect, n Names, r RepairOptions) (Step, bool) {
	from, to := inv.Definitions[o], model.Definitions[o]
	shards, known := expect.of(o, []*Inventory{model, inv})
	belongs := func(shard string) bool { return shards == nil || slices.Contains(shards, shard) }
	switch {
	case from == to:
		return Step{}, false
	case !known && from.There() && to.There(): // no shard has to have it, but those that do should be alike
	case !known || !belongs(model.Shard):
		return Step{}, false
	case !to.There():
		return refused(o, inv.Shard, "shard %s does not have it; drop it with a hint /*+ shard(%s) */ if it is not wanted", model.Shard, inv.Shard), true
	case !belongs(inv.Shard):
		if from.There() {
			return refused(o, inv.Shard, "it does not belong there by its rule; drop it with a hint /*+ shard(%s) */ if its rows are not wanted", inv.Shard), true
		}
		return Step{}, false
	case !from.There() && o.Kind == Table && !to.View && r.MayCreate != nil:
		if err := r.MayCreate(o, inv.Shard); err != nil {
			return refused(o, inv.Shard, "%v", err), true
		}
	}
	return change(o, from, to, n, inv.Shard), true
}

// plan mends one statement.
func (st *Statement) plan(n Names, r RepairOptions) []Step {
	about := objectNames(st.Intent.Objects)
	last := Step{Object: about, Shard: strings.Join(st.Intent.Shards, ", "), Record: st.ID, forget: true}
	if r.Forget != "" {
		if r.Forget != st.ID {
			return nil
		}
		return []Step{last}
	}
	refuse := func(shard, format string, args ...any) []Step {
		return []Step{{Object: about, Shard: shard, Record: st.ID, Refused: fmt.Sprintf(format, args...)}}
	}
	for _, s := range st.Shards {
		if !s.Known {
			return refuse(s.Shard, "the shard could not be asked, so whether the statement was done there is not known")
		}
	}
	if shard, running := st.Running(); running {
		return refuse(shard, "the statement still runs there")
	}
	var steps []Step
	for i := range st.Shards {
		s := &st.Shards[i]
		switch {
		case st.Whole():
		case s.Doubt:
			return refuse(s.Shard, "whether the rows of %s were removed there before the proxy died is not known: look at them, then empty the table again through a proxy, or --forget %s", about, st.ID)
		case r.Back && s.Done:
			back := st.back(s, n)
			if k := slices.IndexFunc(back, func(x Step) bool { return x.Refused != "" }); k >= 0 {
				return back[k : k+1]
			}
			steps = append(steps, back...)
		case !r.Back && !s.Done && s.Record == nil:
			return refuse(s.Shard, "the shard has no record of the statement")
		case !r.Back && !s.Done:
			steps = append(steps, Step{Object: about, Shard: s.Shard, Record: st.ID, SQL: []string{s.Record.Statement}, session: s.Record.SessionState()})
		}
	}
	return append(steps, last)
}

// back undoes the statement on a shard that has done it.
func (st *Statement) back(s *ShardState, n Names) []Step {
	var steps []Step
	in := &st.Intent
	note := func(step Step) { step.Record, step.back = st.ID, true; steps = append(steps, step) }
	if s.Record == nil {
		note(refused(in.Objects[0], s.Shard, "the shard has no record of how it was before"))
		return steps
	}
	if strings.HasPrefix(in.Verb, "truncate") {
		note(refused(in.Objects[0], s.Shard, "the rows are gone"))
		return steps
	}
	if len(in.Objects) == 2 {
		if step, ok := renamedBack(in.Objects, s, n); ok {
			note(step)
			return steps
		}
	}
	for i := len(in.Objects) - 1; i >= 0; i-- {
		o, before, now := in.Objects[i], s.Record.Before[i], s.Now[i]
		if before == now {
			continue
		}
		if before.There() && !before.View && !now.There() && o.Kind == Table {
			note(refused(o, s.Shard, "the table was dropped, its rows are gone: the statement can only be done on the other shards too"))
			return steps
		}
		note(change(o, now, before, n, s.Shard))
	}
	return steps
}

// renamedBack undoes a renaming.
func renamedBack(objects []Object, s *ShardState, n Names) (Step, bool) {
	from, to := objects[0], objects[1]
	before := s.Record.Before
	if from.Kind != Table || !before[0].There() || before[1].There() || s.Now[0].There() || !s.Now[1].There() {
		return Step{}, false
	}
	name := func(o Object) string { return identifier(n.physical(s.Shard, o.Database)) + "." + identifier(o.Name) }
	return Step{Object: from.String(), Shard: s.Shard, SQL: []string{"RENAME TABLE " + name(to) + " TO " + name(from)}, session: anyState}, true
}

// repairTime bounds the bookkeeping around one step.
const repairTime = 10 * time.Second

// Carry carries steps out, and says in each what came of it. A statement of which a step fails keeps its record. changed:
// the proxies must be told.
func Carry(ctx context.Context, shards []*backend.Shard, n Names, steps []Step) (changed bool, err error) {
	byName := map[string]*backend.Shard{}
	for _, s := range shards {
		byName[s.Name()] = s
	}
	var errs []error
	failed := map[string]bool{} // records
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Refused != "":
			failed[s.Record] = true
			continue
		case s.Record != "" && failed[s.Record]:
			s.Result = "left: a step before it was not done"
			continue
		case s.forget:
			err = forget(ctx, shards, s.Record)
			s.Result = "record removed"
		default:
			err = carry(ctx, byName[s.Shard], n, s)
			changed, s.Result = true, "done"
		}
		if err != nil {
			s.Result = "failed: " + err.Error()
			failed[s.Record] = true
			errs = append(errs, fmt.Errorf("%s on %s: %w", s.Object, s.Shard, err))
		}
	}
	return changed, errors.Join(errs...)
}

func forget(ctx context.Context, shards []*backend.Shard, id string) error {
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	var errs []error
	for _, s := range shards {
		if err := Remove(ctx, s, id); err != nil && !Unavailable(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func carry(ctx context.Context, s *backend.Shard, n Names, step *Step) error {
	c, err := s.Acquire(ctx, step.session, true)
	if err != nil {
		return err
	}
	defer c.Release()
	if o := step.empty; o != nil {
		res, err := c.Query(ctx, "SELECT 1 FROM "+identifier(n.physical(s.Name(), o.Database))+"."+identifier(o.Name)+" LIMIT 1", 1)
		if err != nil {
			return err
		}
		if len(res.Rows) > 0 {
			return errors.New("the table has rows by now, and is not dropped")
		}
	}
	for _, sql := range step.SQL {
		if _, err := c.Exec(ctx, sql); err != nil {
			return err
		}
	}
	switch {
	case step.Record == "":
		return nil
	case step.back:
		return Mark(ctx, s, step.Record, errUndone)
	}
	return Mark(ctx, s, step.Record, nil)
}

var errUndone = errors.New("undone by schema repair")
