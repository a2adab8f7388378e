package apps

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// debianPython is the distribution's interpreter, which has the distribution's Django.
const debianPython = "/usr/bin/python3"

// project is Django with the sample application on one side, in a folder of its own, since it writes its migrations there.
type project struct {
	t   *testing.T
	dir string
	env []string
}

func newProject(t *testing.T, s side) *project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("sites", "django"))); err != nil {
		t.Fatal(err)
	}
	return &project{t: t, dir: dir, env: []string{"DB_HOST=" + s.address, "DB_USER=" + cluster.User, "DB_PASSWORD=" + cluster.Password, "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore",
		"DJANGO_SUPERUSER_PASSWORD=harbour", "TZ=UTC", "LC_ALL=C.UTF-8"}}
}

// manage runs a command of the project and returns what it printed.
func (p *project) manage(args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), debianPython, append([]string{"manage.py"}, args...)...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), p.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("manage.py %s: %v\n%s\n%s", strings.Join(args, " "), err, out.String(), lastLines(errs.String(), 12))
	}
	return out.String()
}

var djangoDrawn = []replacement{
	replace(`csrfmiddlewaretoken" value="[^"]*"`, "csrf"),
	replace(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?`, "MOMENT"),
	replace(`\d\d:\d\d:\d\d`, "TIME"),
	replace(`<strong>(salt|hash)</strong>: \S*`, "$1"),
	replace(`\d\d?(:\d\d)? (a|p)\.m\.|noon|midnight`, "TIME"),
	replace(`(name="initial-|name=")([a-z_]*date[a-z_]*_1|last_login_1)" value="[^"]*"`, "${1}${2}"),
}

// djangoTables places what others refer to on every shard, and what belongs to a book beside it: a shard keeps foreign keys among
// its own rows. All other tables are spread by their primary keys.
const djangoTables = `
schemas:
  - name: library
    tables:
      - {name: django_content_type, kind: global}
      - {name: auth_permission, kind: global}
      - {name: auth_group, kind: global}
      - {name: auth_user, kind: global}
      - {name: library_author, kind: global}
      - {name: library_subject, kind: global}
      - {name: library_book, shard_key: id}
      - {name: library_book_subjects, shard_key: book_id}
      - {name: library_loan, shard_key: book_id}
`

func TestDjango(t *testing.T) {
	wanted(t)
	if err := exec.Command(debianPython, "-c", "import django, MySQLdb").Run(); err != nil {
		t.Skipf("Django is not installed (make install-test-deps): %v", err)
	}
	plain, proxy := sides(t, "library", djangoTables)
	a, b := newProject(t, plain), newProject(t, proxy)
	d := &django{pair: &pair{t: t, drawn: djangoDrawn}, a: a, b: b}
	d.both("makemigrations", "library")
	d.both("migrate", "--no-color")
	d.both("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@site.test")
	d.both("check", "--database", "default")
	d.plain = serve(t, a.dir, a.env, debianPython, "manage.py", "runserver", "--noreload", "--nothreading", "{address}").browser(t)
	d.proxy = serve(t, b.dir, b.env, debianPython, "manage.py", "runserver", "--noreload", "--nothreading", "{address}").browser(t)
	d.work()
	d.both("inspectdb", "library_author", "library_book", "library_book_subjects", "library_loan", "library_subject", "auth_user", "auth_user_groups")
	d.both("dumpdata", "library", "--indent", "1")
	d.both("showmigrations", "--no-color")
	d.both("sqlsequencereset", "library")
	d.both("flush", "--noinput")
	d.both("migrate", "library", "zero", "--no-color")
	t.Logf("%d pages on either side", d.count)
}

type django struct {
	*pair
	a, b *project
}

// both runs a command on both sides: what it prints must be the same.
func (d *django) both(args ...string) {
	d.t.Helper()
	plain := d.a.manage(args...)
	proxy := d.b.manage(args...)
	d.count++
	d.compare("manage.py "+strings.Join(args, " "), page{body: plain}, page{body: proxy})
}
