package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// configuration is what a cluster is made of.
type configuration struct {
	engine  string // mariadb or mysql
	mode    string // 2pc or 3pc
	proxies int
	binlog  bool
}

const shardCount = 3

func (c configuration) String() string {
	s := fmt.Sprintf("%s/%s/%d", c.engine, c.mode, c.proxies)
	if c.binlog {
		s += "/binlog"
	}
	return s
}

func parseConfiguration(text string) (configuration, error) {
	wrong := func() (configuration, error) {
		return configuration{}, fmt.Errorf("configuration %q is not like mariadb/2pc/1 or mysql/3pc/3/binlog", text)
	}
	parts := strings.Split(text, "/")
	if len(parts) < 3 || len(parts) > 4 || len(parts) == 4 && parts[3] != "binlog" {
		return wrong()
	}
	n, err := strconv.Atoi(parts[2])
	c := configuration{engine: parts[0], mode: parts[1], proxies: n, binlog: len(parts) == 4}
	if err != nil || n < 1 || n > 9 || c.engine != "mariadb" && c.engine != "mysql" || c.mode != "2pc" && c.mode != "3pc" {
		return wrong()
	}
	return c, nil
}

// rotation is the i-th configuration of a long run: twelve have every engine with every mode
// and every number of proxies, the next twelve the same with the binary log the other way round.
func rotation(i int) configuration {
	c := configuration{engine: "mariadb", mode: "2pc"}
	if i%2 == 1 {
		c.mode = "3pc"
	}
	if i/2%2 == 1 {
		c.engine = "mysql"
	}
	c.proxies = 1 + (i/4+1)%3
	c.binlog = (i+i/4)%2 == 1
	return c
}

// roundTime is how long each configuration runs.
func roundTime(all time.Duration) time.Duration {
	return min(max(all/12, 20*time.Second), 4*time.Minute)
}

func TestRotation(t *testing.T) {
	seen, twelve := map[string]bool{}, map[string]bool{}
	for i := range 24 {
		c := rotation(i)
		seen[c.String()] = true
		back, err := parseConfiguration(c.String())
		if err != nil || back != c {
			t.Errorf("%s is read back as %v, %v", c, back, err)
		}
		if c.binlog = false; i < 12 {
			twelve[c.String()] = true
		}
	}
	if len(seen) != 24 || len(twelve) != 12 {
		t.Errorf("24 rounds have %d configurations, the first twelve %d but for the binary log", len(seen), len(twelve))
	}
	for _, text := range []string{"", "mariadb", "mariadb/2pc", "mariadb/2pc/0", "mariadb/2pc/x", "oracle/2pc/1", "mysql/4pc/1", "mysql/2pc/1/binlog/x", "mysql/2pc/1/log"} {
		if _, err := parseConfiguration(text); err == nil {
			t.Errorf("configuration %q is taken", text)
		}
	}
}
