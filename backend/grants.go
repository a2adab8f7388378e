package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockstep/protocol"
)

// Grant is a privilege that the shard's user lacks.
type Grant struct {
	Privilege string // as GRANT takes it: "PROCESS ON *.*"
	For       string // what needs it
}

// MissingGrants says as which account ('user'@'host', in the server's words) the shard's user is known, and
// which privileges it lacks of those that do not depend on the applications' tables. Nothing is
// changed. Privileges are tried out where that has no effect; what the user gets from roles counts
// only if the roles are active after login.
func (s *Shard) MissingGrants(ctx context.Context) (account string, missing []Grant, err error) {
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		res, err := c.Query(ctx, "SELECT CURRENT_USER()", 1)
		if err != nil {
			return err
		}
		account = quoteAccount(string(res.Rows[0][0]))
		for _, try := range s.grantTrials(c.flavor) {
			_, err := c.Exec(ctx, try.sql)
			switch k := code(err); {
			case err == nil || missingMarkerTable(err):
			case k == 1142 || k == 1143 || k == protocol.ErrDBAccessDenied || k == 1227 || k == protocol.ErrXAERRMErr:
				missing = append(missing, try.Grant)
			case k == protocol.ErrOptionPreventsStatement || k == protocol.ErrReadOnlyMode: // a replica: that much is allowed
			default:
				return err
			}
		}
		ends, err := c.mayEndOthers(ctx)
		if err == nil && !ends {
			missing = append(missing, Grant{endOthers(c.flavor) + " ON *.*", "ending sessions of proxies that use another account"})
		}
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("shard %s: trying the user's privileges: %w", s.o.Name, err)
	}
	return account, missing, nil
}

type grantTrial struct {
	sql string
	Grant
}

func (s *Shard) grantTrials(f Flavor) []grantTrial {
	const tables = "three-phase commits and client tokens"
	none := " WHERE gtrid = X'' AND shard = X''"
	trials := []grantTrial{
		{"SELECT " + markerColumns + " FROM lockstep.branch" + none, Grant{"SELECT ON lockstep.*", tables}},
		{"INSERT INTO lockstep.branch SELECT * FROM lockstep.branch" + none, Grant{"INSERT ON lockstep.*", tables}},
		{"DELETE FROM lockstep.branch" + none, Grant{"DELETE ON lockstep.*", "removing rows of old transactions"}},
		{"UPDATE lockstep.waiter SET victim = 0 WHERE gtrid = X''", Grant{"UPDATE ON lockstep.*", "deadlocks over several shards and proxies"}},
		{"SELECT 1 FROM information_schema.innodb_trx LIMIT 1", Grant{"PROCESS ON *.*", "seeing which sessions hold branches and locks"}},
	}
	if f == MySQL {
		trials = append(trials,
			grantTrial{"XA RECOVER", Grant{"XA_RECOVER_ADMIN ON *.*", "finding and settling branches in doubt"}},
			grantTrial{"SELECT 1 FROM performance_schema.data_lock_waits JOIN performance_schema.threads LIMIT 1",
				Grant{"SELECT ON performance_schema.*", "finding deadlocks over several shards"}})
	}
	return trials
}

func endOthers(f Flavor) string {
	if f == MySQL {
		return "CONNECTION_ADMIN"
	}
	return "CONNECTION ADMIN"
}

// mayEndOthers reads SHOW GRANTS: there is no harmless way to try it out.
func (c *Conn) mayEndOthers(ctx context.Context) (bool, error) {
	res, err := c.Query(ctx, "SHOW GRANTS", 1000)
	if err != nil {
		return false, fmt.Errorf("reading the user's grants: %w", err)
	}
	for _, row := range res.Rows {
		if len(row) != 1 {
			return false, errors.New("reading the user's grants: unexpected answer")
		}
		list, on, ok := strings.Cut(strings.TrimPrefix(string(row[0]), "GRANT "), " ON ")
		if !ok || !strings.HasPrefix(on, "*.* ") {
			continue
		}
		for _, p := range strings.Split(list, ",") {
			switch strings.TrimSpace(p) {
			case "ALL PRIVILEGES", "SUPER", endOthers(c.flavor):
				return true, nil
			}
		}
	}
	return false, nil
}

// quoteAccount makes 'user'@'host' of CURRENT_USER()'s user@host.
func quoteAccount(s string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return quote(s)
	}
	return quote(s[:at]) + "@" + quote(s[at+1:])
}
