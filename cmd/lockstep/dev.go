package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"lockstep/config"
	"lockstep/localdb"
)

const devAbout = `Starts private MariaDB or MySQL servers as shards, and the proxy in front of them, to try things
out: nothing is installed, no other server on this machine is touched. At the first start it
makes a database "bank" with 1,000 accounts, spread over the shards; log in as app/app.

Ctrl-C ends the proxy in order and stops the shards; their data stay for the next start.
A second Ctrl-C ends it at once; the shards then go on, like after a crash, and the next
"lockstep dev" takes them over, or "lockstep dev stop" stops them.
`

// maxDevShards bounds what one machine is asked to run: each server takes some
// 150 MB of memory.
const maxDevShards = 16

// devOptions are the flags of dev.
type devOptions struct {
	shards        int
	engine        localdb.Engine // "" where the flag is not given
	dir           string
	listen, admin string
	demo          bool
}

func runDev(ctx context.Context, t terminal, args []string) error {
	f := newFlags(t, "dev", "dev [flags]", devAbout)
	var o devOptions
	f.IntVar(&o.shards, "shards", 2, "`number` of shards; fixed once the folder exists")
	f.Func("engine", "kind of the shards' servers, mariadb or mysql; fixed once the folder exists (default mariadb)", func(name string) (err error) {
		o.engine, err = localdb.ParseEngine(name)
		return err
	})
	f.StringVar(&o.dir, "dir", ".lockstep", "`folder` of the shards' data, the log and the configuration")
	f.StringVar(&o.listen, "listen", "127.0.0.1:4000", "`address` for clients")
	f.StringVar(&o.admin, "admin", "127.0.0.1:4001", "`address` for operators")
	f.BoolVar(&o.demo, "demo", false, "run a few transfers across shards and show how they commit")
	var logs logFlags
	logs.register(f, slog.LevelWarn)
	if _, err := parseFlags(f, args, 0); err != nil {
		return err
	}
	if o.shards < 1 || o.shards > maxDevShards {
		return usagef("--shards %d: choose 1 to %d", o.shards, maxDevShards)
	}
	if host, _, err := net.SplitHostPort(o.admin); err == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return usagef("--admin %s can be reached from other machines: dev listens for operators on loopback only", o.admin)
	}
	log, err := logs.logger(t)
	if err != nil {
		return err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return fmt.Errorf("find the folder: %w", err)
	}
	err = dev(ctx, t, o, log)
	if err != nil && errors.Is(context.Cause(ctx), errAsked) && (errors.Is(err, errAsked) || errors.Is(err, context.Canceled)) {
		log.Info("interrupted while starting", "err", err) // Ctrl-C before everything was up is no failure
		return nil
	}
	return err
}

// dev is the whole life of a playground: from the lock on its folder to the last
// shard's end.
func dev(ctx context.Context, t terminal, o devOptions, log *slog.Logger) (err error) {
	d, err := openDevDir(o.dir)
	if err != nil {
		return err
	}
	defer d.close()
	if o.engine, err = d.fixEngine(o.engine); err != nil {
		return err
	}
	if err := o.engine.Installed(); err != nil {
		return err
	}
	for flag, address := range map[string]string{"--listen": o.listen, "--admin": o.admin} {
		if err := checkFree(ctx, flag, address); err != nil {
			return err
		}
	}
	if err := d.noteEngine(o.engine); err != nil {
		return err
	}
	if err := d.fixShards(o.shards); err != nil {
		return err
	}

	begin := time.Now()
	fmt.Fprintf(t.err, "Starting %d shards (%s) in %s\n", o.shards, o.engine, d.path)
	servers, err := localdb.StartAll(ctx, d.servers(o, log), func(s *localdb.Server) {
		how := "started"
		if s.Adopted {
			how = "was still running"
		}
		fmt.Fprintf(t.err, "  %s  %s  process %d  %s\n", s.Name, s.Address(), s.Pid, how)
	})
	if err != nil {
		return err
	}
	w := newWatch(servers, d.servers(o, log), t)
	defer func() { err = errors.Join(err, w.stopAll()) }()

	cfg, err := prepareShards(ctx, d, o, servers)
	if err != nil {
		return err
	}
	p, err := startProxy(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(t.err, "\nStopping: waiting for open transactions, then for the shards (Ctrl-C again ends at once)")
		err = errors.Join(err, finish(p, cfg, log))
	}()
	if err := d.prepareBank(ctx, t, p.Addr()); err != nil {
		return err
	}
	fmt.Fprintf(t.err, "Ready after %.1f s\n\n", time.Since(begin).Seconds())
	if o.demo {
		if err := demo(ctx, t, p.Addr()); err != nil {
			return fmt.Errorf("run the demo: %w", err)
		}
	}
	printWelcome(t, p, d)
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case err := <-p.Failed():
			stop(err)
		case <-work.Done():
		}
	}()
	w.until(work)
	if ctx.Err() == nil { // nobody asked for the end
		return context.Cause(work)
	}
	return nil
}

// prepareShards makes the account that the proxy uses, and writes and loads the configuration.
func prepareShards(ctx context.Context, d *devDir, o devOptions, servers []*localdb.Server) (*config.Config, error) {
	for _, s := range servers {
		if err := s.AddUser(ctx, shardUser, shardPassword); err != nil {
			return nil, err
		}
	}
	if err := d.writeConfig(o, servers); err != nil {
		return nil, err
	}
	return loadConfig(d.configFile())
}

// checkFree says early, before servers are started, that an address cannot be had.
func checkFree(ctx context.Context, flag, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program (or another lockstep): stop it, or choose another address with %s", address, flag)
	case err != nil:
		return usagef("%s %s: %v", flag, address, err)
	}
	return l.Close()
}
