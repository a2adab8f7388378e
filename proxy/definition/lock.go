package definition

import (
	"context"
	"fmt"
	"time"

	"lockstep/backend"
)

// lockPause is how often a lock that another proxy has is looked at.
const lockPause = 50 * time.Millisecond

// BusyError says that somebody else changes definitions in the database.
type BusyError struct {
	Database string
	Waited   time.Duration
	Err      error // who
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("another definition in database %s is under way for more than %v: %v", e.Database, e.Waited, e.Err)
}

func (e *BusyError) Unwrap() error { return e.Err }

// Lock takes the databases for one who changes definitions in them, on the home shard, over all proxies of the cluster. It waits for others at
// most so long. The locks end with release, or with this process.
func Lock(ctx context.Context, home *backend.Shard, cluster string, databases []string, wait time.Duration) (release func(), err error) {
	var held []*backend.Name
	release = func() {
		for i := len(held) - 1; i >= 0; i-- {
			held[i].Release()
		}
	}
	begin := time.Now()
	for _, database := range databases { // sorted: two never wait for each other
		n := home.HoldName(ctx, "ddl."+cluster+"."+database, nil)
		held = append(held, n)
		for {
			st := n.Status()
			if st.State == backend.NameHeld {
				break
			}
			if st.State == backend.NameWanted && st.Err != nil {
				release()
				return nil, fmt.Errorf("lock the definitions of database %s: %w", database, st.Err)
			}
			if waited := time.Since(begin); waited >= wait {
				release()
				if st.Err == nil {
					st.Err = errBusy
				}
				return nil, &BusyError{Database: database, Waited: wait, Err: st.Err}
			}
			select {
			case <-ctx.Done():
				release()
				return nil, fmt.Errorf("lock the definitions of database %s: %w", database, context.Cause(ctx))
			case <-time.After(lockPause):
			}
		}
	}
	return release, nil
}
