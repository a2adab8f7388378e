package txlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const childEnv = "TXLOG_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
	}
	os.Exit(m.Run())
}

// child appends and forgets for ever. It says "+ gtrid" after each acknowledged
// decision and "- gtrid" before it forgets one.
func child(path string) {
	epoch := fmt.Sprint("child-", os.Getpid(), "-", time.Now().UnixNano())
	l, err := Open(Options{Path: path, Identity: alice, Epoch: epoch, ForgetDelay: 5 * time.Millisecond})
	if err != nil {
		fmt.Println("!", err)
		os.Exit(1)
	}
	fmt.Println("= open")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				d := decision(i)
				d.GTRID = fmt.Sprintf("%s.%d.%d", epoch[len(epoch)-8:], w, i)
				if err := l.Append(context.Background(), d); err != nil {
					fmt.Println("!", err)
					os.Exit(1)
				}
				fmt.Println("+ " + d.GTRID)
				if i%3 == 0 {
					fmt.Println("- " + d.GTRID)
					l.Forget(d.GTRID)
				}
			}
		})
	}
	wg.Wait()
}

// kill -9 at random moments: every acknowledged decision is there at the next start.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	acked, forgotten := map[string]bool{}, map[string]bool{}
	for round := range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		killed := false
		kill := func() {
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Error(err)
			}
		}
		if round == 0 { // in the middle of the start, perhaps
			time.AfterFunc(time.Duration(rand.IntN(30))*time.Millisecond, kill)
			killed = true
		}
		for lines.Scan() {
			verb, gtrid, ok := strings.Cut(lines.Text(), " ")
			switch {
			case !ok: // cut by the kill
			case verb == "=" && !killed:
				killed = true
				var locked *LockedError
				if _, err := Open(Options{Path: path, Identity: alice, Epoch: "x"}); !errors.As(err, &locked) || locked.Holder != fmt.Sprint("process ", cmd.Process.Pid) {
					t.Errorf("open of a log in use: %v", err)
				}
				if _, err := OpenReadOnly(path); !errors.As(err, &locked) {
					t.Errorf("reading a log in use: %v", err)
				}
				time.AfterFunc(time.Duration(1+rand.IntN(60))*time.Millisecond, kill)
			case verb == "+":
				acked[gtrid] = true
			case verb == "-":
				forgotten[gtrid] = true
			case verb == "!":
				t.Errorf("child: %s", lines.Text())
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		l := open(t, path)
		got := all(t, l)
		for g := range acked {
			if _, ok := got[g]; !ok && !forgotten[g] {
				t.Fatalf("round %d: acknowledged decision %s is lost", round, g)
			}
		}
		mustClose(t, l)
	}
	if len(acked) < 20 {
		t.Fatalf("only %d decisions were made: nothing was tested", len(acked))
	}
	t.Logf("%d acknowledged, %d of them forgotten", len(acked), len(forgotten))
}

// Readers share the log; nobody writes meanwhile.
func TestReadersShare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	mustClose(t, open(t, path))
	a, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, a)
	var locked *LockedError
	if _, err := Open(Options{Path: path, Identity: alice, Epoch: "x"}); !errors.As(err, &locked) {
		t.Fatalf("open under a reader: %v", err)
	}
	mustClose(t, b)
	mustClose(t, open(t, path))
}
