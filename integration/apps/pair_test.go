package apps

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pair is the same visitor on both sides.
type pair struct {
	t            *testing.T
	plain, proxy *browser
	drawn        []replacement // what differs from run to run
	count        int
	unordered    bool // pages with rows in no order: lines may stand elsewhere
}

// inAnyOrder does something whose pages show rows that no ORDER BY has put in order.
func (p *pair) inAnyOrder(f func()) {
	p.unordered = true
	f()
	p.unordered = false
}

// replacement makes what is drawn by lot, or read from a clock, the same.
type replacement struct {
	pattern *regexp.Regexp
	with    string
}

func replace(pattern, with string) replacement { return replacement{regexp.MustCompile(pattern), with} }

// visit asks both sides for a page, holds one against the other and against what it must say.
func (p *pair) visit(path string, says ...string) (plain, proxy page) {
	p.t.Helper()
	return p.send(path, func(*browser) request { return request{path: path} }, says...)
}

// send does on both sides what make makes of each.
func (p *pair) send(what string, make func(*browser) request, says ...string) (plain, proxy page) {
	p.t.Helper()
	plain = p.plain.do(make(p.plain))
	proxy = p.proxy.do(make(p.proxy))
	p.count++
	p.compare(what, plain, proxy)
	for _, s := range says {
		if !strings.Contains(plain.body, s) {
			p.t.Errorf("%s: the plain server's page does not say %q: the test is wrong\n%s", what, s, excerpt(plain.body))
		} else if !strings.Contains(proxy.body, s) {
			p.t.Errorf("%s: the page does not say %q\n%s", what, s, excerpt(proxy.body))
		}
	}
	return plain, proxy
}

// submit fills in a form of a page that both sides show and sends it.
func (p *pair) submit(path, field string, fill map[string]string, says ...string) (plain, proxy page) {
	p.t.Helper()
	return p.send("the form of "+path, func(b *browser) request {
		pg := b.do(request{path: path})
		f := pg.formWith(field)
		if f == nil {
			p.t.Fatalf("%s: no form with a field %q (status %d)\n%s", path, field, pg.status, excerpt(pg.body))
		}
		for k, v := range fill {
			f.fields.Set(k, v)
		}
		return request{path: f.action, form: f.fields}
	}, says...)
}

func (p *pair) compare(what string, plain, proxy page) {
	p.t.Helper()
	if plain.status != proxy.status {
		p.t.Errorf("%s: status %d, on the plain server %d\n%s", what, proxy.status, plain.status, excerpt(proxy.body))
		return
	}
	a, b := p.normal(plain), p.normal(proxy)
	if a == b {
		return
	}
	if dir := os.Getenv("LOCKSTEP_PAGES"); dir != "" { // a folder to look at them in
		for name, text := range map[string]string{"plain": a, "proxy": b} {
			file := filepath.Join(dir, fmt.Sprintf("%s-%03d-%s.html", strings.ReplaceAll(p.t.Name(), "/", "-"), p.count, name))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				p.t.Error(err)
			}
		}
	}
	p.t.Errorf("%s (page %d) differs from the plain server's:\n%s", what, p.count, firstDifferences(a, b))
}

func (p *pair) normal(g page) string {
	text := g.url + "\n" + g.body
	for _, r := range p.drawn {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	if p.unordered {
		lines := strings.Split(text, "\n")
		slices.Sort(lines)
		text = strings.Join(lines, "\n")
	}
	return text
}

// firstDifferences shows the first lines that are on one side only.
func firstDifferences(plain, proxy string) string {
	a, b := strings.Split(plain, "\n"), strings.Split(proxy, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	show := func(lines []string) string {
		var out strings.Builder
		for _, l := range lines[:min(len(lines), 6)] {
			fmt.Fprintf(&out, "    %s\n", l[:min(len(l), 400)])
		}
		return out.String()
	}
	return fmt.Sprintf("  plain (%d lines):\n%s  proxy (%d lines):\n%s", len(a), show(a), len(b), show(b))
}

var tags = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// excerpt is what a reader would see of a page, cut short.
func excerpt(body string) string {
	text := strings.Join(strings.Fields(tags.ReplaceAllString(body, " ")), " ")
	return text[:min(len(text), 1500)]
}
