package apps

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lockstep/integration/cluster"
)

// serveWordPress starts PHP's own web server with WordPress on one side.
func serveWordPress(t *testing.T, dir string, s side) *web {
	t.Helper()
	settings, err := filepath.Abs(filepath.Join("sites", "wordpress.php"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "usr", "share", "wordpress")
	return serve(t, root, []string{"WORDPRESS_SETTINGS=" + settings, "DB_HOST=" + s.address, "DB_USER=" + cluster.User, "DB_PASSWORD=" + cluster.Password},
		"php", "-d", "sendmail_path=/bin/true", "-d", "display_errors=0", "-d", "opcache.enable_cli=0", "-S", "{address}", "-t", root)
}

// wordPressDrawn is what differs between two WordPress sites that are set up alike.
var wordPressDrawn = []replacement{
	replace(`(_wpnonce|_ajax_nonce|_wpnonce_[a-z_-]+|nonce|_nonce)(["']?\s*(?:[:=]|value=|%3D)\s*["']?)[0-9a-f]{10}`, "$1${2}NONCE"),
	replace(`\b[0-9a-f]{10}\b`, "NONCE"),
	replace(`\d\d?:\d\d(:\d\d)?( ?[ap]m)?`, "TIME"),
	replace(`\d{4}-\d\d-\d\d[T ]TIME`, "MOMENT"),
	replace(`"(date|modified)(_gmt)?":"[^"]*"`, `"$1$2":"MOMENT"`),
	replace(`(name="(?:hidden_)?(?:cur_)?(?:mn|hh|ss)" [^>]*value=")\d\d`, "${1}00"),
	replace(`\b1[78]\d{8}\b`, "SECONDS"),
	replace(`<div class="(hh|mn|ss)">\d\d</div>`, "$1"),
	replace(`data-pw="[^"]*"`, "PROPOSAL"),
	replace(`overdue by \d+ seconds`, "overdue"),
	replace(`three random strings you could use: .*`, ""),
	replace(`\b\d\.gravatar`, "gravatar"),
	replace(`<a href="mailto:[^"]*">[^<]*</a>`, "MAIL"), // each character is an entity or is not
	replace(`127\.0\.0\.(1:\d+|TIME\d*)`, "SERVER"),
	replace(`(MariaDB|[0-9])[0-9.]*-MariaDB[^<]*`, "VERSION"),
}

type wordPress struct {
	*pair
	t *testing.T
}

func TestWordPress(t *testing.T) {
	wanted(t)
	dir := unpacked(t, "wordpress")
	plain, proxy := sides(t, "wordpress", "")
	a, b := serveWordPress(t, dir, plain), serveWordPress(t, dir, proxy)
	w := wordPress{t: t, pair: &pair{t: t, plain: a.browser(t), proxy: b.browser(t), drawn: wordPressDrawn}}
	t.Cleanup(func() { databaseErrors(t, a, b) })
	w.install()
	w.login("admin", "correct horse battery")
	w.write()
	w.comment()
	w.read()
	w.administrate()
	w.change()
	t.Logf("%d pages on either side", w.count)
}

// databaseError is how WordPress writes a statement that failed into its log.
var databaseError = regexp.MustCompile(`(?s)WordPress database error (.*?) made by `)

// databaseErrors fails the test for each statement that failed, once.
func databaseErrors(t *testing.T, plain, proxy *web) {
	t.Helper()
	seen := map[string]bool{}
	for _, side := range []struct {
		name string
		w    *web
	}{{"plain", plain}, {"proxy", proxy}} {
		for _, m := range databaseError.FindAllStringSubmatch(side.w.output.String(), -1) {
			text := side.name + ": " + strings.Join(strings.Fields(m[1]), " ")
			if key := numbers.ReplaceAllString(text, "?"); !seen[key] {
				seen[key] = true
				t.Errorf("%s", text)
			}
		}
	}
}

var numbers = regexp.MustCompile(`\d+|'[^']*'`)

func (w wordPress) install() {
	w.visit("/wp-admin/install.php", "Welcome")
	w.send("install", func(*browser) request {
		return request{path: "/wp-admin/install.php?step=2", form: url.Values{
			"weblog_title": {"A site of shards"}, "user_name": {"admin"}, "admin_password": {"correct horse battery"}, "admin_password2": {"correct horse battery"},
			"pw_weak": {"1"}, "admin_email": {"admin@site.test"}, "blog_public": {"1"}, "Submit": {"Install WordPress"}, "language": {""},
		}}
	}, "Success!")
	w.visit("/", "A site of shards", "Hello world!")
}

func (w wordPress) login(user, password string) {
	w.t.Helper()
	w.visit("/wp-login.php", "Log In")
	w.send("login", func(*browser) request {
		return request{path: "/wp-login.php", form: url.Values{"log": {user}, "pwd": {password}, "wp-submit": {"Log In"}, "redirect_to": {"http://" + siteHost + "/wp-admin/"}, "testcookie": {"1"}}}
	}, "Dashboard")
	for _, b := range []*browser{w.plain, w.proxy} {
		b.header.Set("X-WP-Nonce", strings.TrimSpace(b.do(request{path: "/wp-admin/admin-ajax.php?action=rest-nonce"}).body))
	}
}

// rest sends JSON to the programming interface, as the editor does.
func (w wordPress) rest(method, route string, what map[string]any, says ...string) (id string) {
	w.t.Helper()
	body := ""
	if what != nil {
		text, err := json.Marshal(what)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(text)
	}
	_, answer := w.send(method+" "+route, func(*browser) request {
		return request{method: method, path: "/index.php?rest_route=" + route, json: body}
	}, says...)
	var made struct {
		ID json.Number `json:"id"`
	}
	if strings.HasPrefix(answer.body, "{") {
		if err := json.Unmarshal([]byte(answer.body), &made); err != nil {
			w.t.Errorf("%s %s: %v\n%s", method, route, err, excerpt(answer.body))
		}
	}
	return made.ID.String()
}

func (w wordPress) write() {
	w.t.Helper()
	w.rest("POST", "/wp/v2/categories", map[string]any{"name": "Ships", "description": "What floats"}, "Ships")
	w.rest("POST", "/wp/v2/categories", map[string]any{"name": "Sails", "parent": 2}, "Sails")
	for _, name := range []string{"wood", "wind", "salt"} {
		w.rest("POST", "/wp/v2/tags", map[string]any{"name": name}, name)
	}
	for i, title := range []string{"The first voyage", "A second voyage", "Third time lucky", "Of storms", "Of calms", "Ümläute und 漢字"} {
		w.rest("POST", "/wp/v2/posts", map[string]any{
			"title": title, "status": "publish", "date": fmt.Sprintf("2026-01-%02dT12:00:00", i+1), "content": "<p>Text of <b>" + title + "</b>, with it's \"quotes\" \\ and a % sign.</p>",
			"categories": []int{2 + i%2}, "tags": []int{4 + i%3}, "excerpt": "In short: " + title,
		}, "publish")
	}
	w.rest("POST", "/wp/v2/posts", map[string]any{"title": "Not yet", "status": "draft", "content": "unfinished"}, "draft")
	w.rest("POST", "/wp/v2/pages", map[string]any{"title": "About shards", "status": "publish", "content": "A page", "menu_order": 3}, "About shards")
}

func (w wordPress) comment() {
	w.t.Helper()
	w.send("comment", func(*browser) request {
		return request{path: "/wp-comments-post.php", form: url.Values{"comment_post_ID": {"1"}, "comment": {"Well written."}, "comment_parent": {"0"}, "submit": {"Post Comment"}}}
	}, "Hello world!", "Well written.")
	for i, text := range []string{"I disagree; it's wrong.", "A third remark", "by the interface"} {
		w.rest("POST", "/wp/v2/comments", map[string]any{"post": 1, "content": text, "parent": i % 2, "date": fmt.Sprintf("2026-02-%02dT12:00:00", i+1)})
	}
}
