package apps

import "net/url"

// work uses the admin as a librarian does.
func (d *django) work() {
	d.t.Helper()
	d.visit("/admin/", "Log in")
	d.submit("/admin/login/?next=/admin/", "username", map[string]string{"username": "admin", "password": "harbour"}, "Site administration")
	for _, s := range [][2]string{{"SEA", "The sea"}, {"WAR", "War"}, {"SKY", "The sky"}, {"ART", "Ärt & <more>"}} {
		d.submit("/admin/library/subject/add/", "code", map[string]string{"code": s[0], "title": s[1]}, "was added successfully")
	}
	for _, a := range [][2]string{{"Joseph Conrad", "1857-12-03"}, {"Herman Melville", "1819-08-01"}, {"Jane O'Hara", ""}} {
		d.submit("/admin/library/author/add/", "name", map[string]string{"name": a[0], "born": a[1]}, "was added successfully")
	}
	for _, b := range []struct{ title, author, kind, pages, price, subject string }{
		{"Typhoon", "1", "n", "120", "7.50", "SEA"}, {"Moby Dick", "2", "n", "635", "12.00", "SEA"}, {"Lord Jim", "1", "n", "320", "9.99", "WAR"},
		{"Clouds", "3", "s", "210", "30", "SKY"}, {"Verses", "3", "p", "80", "5.25", "ART"}, {"Billy Budd", "2", "n", "120", "6", "WAR"}, {"漢字", "3", "s", "12", "1", "ART"},
	} {
		d.submit("/admin/library/book/add/", "title", map[string]string{
			"title": b.title, "author": b.author, "kind": b.kind, "pages": b.pages, "price": b.price, "text": "About " + b.title, "subjects": b.subject}, "was added successfully")
	}
	d.submit("/admin/library/book/1/change/", "title", map[string]string{"title": "Typhoon!", "subjects": "WAR"}, "was changed successfully")
	for _, l := range [][3]string{{"1", "1", "2026-03-01"}, {"2", "1", "2026-03-15"}, {"3", "", "2025-12-31"}, {"4", "1", "2026-04-01"}} {
		d.submit("/admin/library/loan/add/", "book", map[string]string{"book": l[0], "reader": l[1], "due": l[2], "extra": `{"from": "desk", "n": ` + l[0] + `}`}, "was added successfully")
	}
	d.submit("/admin/library/loan/1/change/", "book", map[string]string{"returned": "on"}, "was changed successfully")
	d.visit("/", "Typhoon! by Joseph Conrad")
	d.visit("/figures/", "prolific")
	for _, p := range []string{
		"", "library/", "library/book/", "library/book/?p=1", "library/book/?p=2", "library/book/?all=", "library/book/?q=sea", "library/book/?q=conrad+jim", "library/book/?kind__exact=n&subjects__code__exact=SEA",
		"library/book/?o=2.-3", "library/book/?author__id__exact=3", "library/author/", "library/author/?q=typhoon", "library/author/1/change/", "library/author/2/delete/", "library/subject/",
		"library/loan/", "library/loan/?returned__exact=0", "library/loan/?due__year=2026", "library/loan/?due__year=2026&due__month=3", "library/loan/1/change/", "library/book/1/history/", "library/book/4/delete/",
		"auth/user/", "auth/user/?is_staff__exact=1&q=adm", "auth/user/1/change/", "auth/group/add/", "auth/user/add/", "password_change/",
	} {
		d.visit("/admin/" + p)
	}
	d.submit("/admin/auth/group/add/", "name", map[string]string{"name": "Readers", "permissions": "25"}, "was added successfully")
	d.submit("/admin/auth/user/add/", "username", map[string]string{"username": "ann", "password1": "anchors aweigh", "password2": "anchors aweigh"}, "was added successfully")
	d.submit("/admin/auth/user/2/change/", "username", map[string]string{"first_name": "Ann", "email": "ann@site.test", "is_staff": "on", "groups": "1"}, "was changed successfully")
	d.visit("/admin/auth/user/?groups__id__exact=1", "ann@site.test")
	d.submit("/admin/library/book/", "form-0-pages", map[string]string{"form-0-pages": "700", "_save": "Save"}, "was changed successfully")
	d.submit("/admin/library/subject/add/", "code", map[string]string{"code": "SEA", "title": "Twice"}, "already exists")
	d.visit("/admin/library/author/3/delete/", "Cannot delete author") // a book of hers is lent
	d.submit("/admin/library/loan/4/delete/", "post", map[string]string{}, "was deleted successfully")
	d.submit("/admin/library/author/3/delete/", "post", map[string]string{}, "was deleted successfully")
	d.send("delete the chosen ones", func(b *browser) request {
		f := b.do(request{path: "/admin/library/subject/"}).formWith("_selected_action")
		return request{path: "/admin/library/subject/", form: url.Values{"csrfmiddlewaretoken": f.fields["csrfmiddlewaretoken"], "action": {"delete_selected"}, "_selected_action": {"SKY", "ART"}, "post": {"yes"}}}
	}, "Successfully deleted 2")
	d.visit("/admin/library/book/")
	d.visit("/figures/")
	d.visit("/admin/")
	d.submit("/admin/password_change/", "old_password", map[string]string{"old_password": "harbour", "new_password1": "lighthouse keeper", "new_password2": "lighthouse keeper"}, "changed")
	d.visit("/admin/logout/", "Logged out")
	d.submit("/admin/login/?next=/admin/", "username", map[string]string{"username": "admin", "password": "harbour"}, "correct username and password")
}
