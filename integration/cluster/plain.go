package cluster

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"lockstep/localdb"
)

// PlainServer starts a server without a proxy, for the user of the tests: the oracle, whose answers are right. args are further
// ones of the server. It ends with the test.
func PlainServer(t testing.TB, e localdb.Engine, args ...string) *localdb.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := localdb.Start(ctx, localdb.Options{Name: "plain", Engine: e, Dir: filepath.Join(t.TempDir(), "plain"), ExtraArgs: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Errorf("stop the plain server: %v", err)
		}
	})
	if err := s.AddUser(ctx, User, Password); err != nil {
		t.Fatal(err)
	}
	return s
}
