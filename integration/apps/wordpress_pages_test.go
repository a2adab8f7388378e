package apps

import (
	"net/url"
	"regexp"
)

// read visits what a reader sees.
func (w wordPress) read() {
	w.t.Helper()
	w.visit("/", "Of storms")
	w.visit("/?p=1", "Well written.", "by the interface")
	w.visit("/?page_id=2", "Sample Page")
	w.visit("/?s=voyage", "The first voyage", "A second voyage")
	w.visit("/?s=%E6%BC%A2", "Ümläute")
	w.visit("/?s=nothing-has-this")
	w.visit("/?cat=2", "Ships", "The first voyage")
	w.visit("/?cat=2,3&paged=1&posts_per_page=2")
	w.visit("/?tag=wind", "A second voyage")
	w.visit("/?author=1", "Of calms")
	w.visit("/?feed=rss2", "<item>")
	w.visit("/?feed=comments-rss2", "Well written.")
	w.visit("/?feed=atom", "<entry>")
	w.visit("/?order=asc&orderby=title")
	w.inAnyOrder(func() { w.visit("/?orderby=comment_count") })
	w.visit("/?p=99999")
	w.visit("/?sitemap=index", "sitemap")
	w.visit("/?sitemap=posts&sitemap-subtype=post")
	w.visit("/?sitemap=users")
	for _, route := range []string{
		"/wp/v2/posts", "/wp/v2/posts&per_page=2&page=2&orderby=title&order=asc", "/wp/v2/posts&categories=2&tags=4", "/wp/v2/posts&search=voyage&orderby=relevance",
		"/wp/v2/posts&categories_exclude=2", "/wp/v2/posts&tags_exclude=4&status=any&context=edit", "/wp/v2/posts&slug=of-storms", "/wp/v2/posts&before=2030-01-01T00:00:00",
		"/wp/v2/posts&tax_relation=OR&categories=3&tags=5", "/wp/v2/pages&orderby=menu_order", "/wp/v2/comments&post=1", "/wp/v2/comments&status=all&context=edit",
		"/wp/v2/categories&hide_empty=true&orderby=count", "/wp/v2/tags&post=5", "/wp/v2/users&context=edit", "/wp/v2/users/me&context=edit", "/wp/v2/search&search=voyage",
		"/wp/v2/settings", "/wp/v2/taxonomies", "/wp/v2/types", "/wp/v2/statuses", "/wp/v2/media", "/wp/v2/posts/5/revisions",
	} {
		w.visit("/index.php?rest_route=" + route)
	}
}

// administrate visits the pages of the administration.
func (w wordPress) administrate() {
	w.t.Helper()
	w.visit("/wp-admin/", "At a Glance", "Activity")
	w.visit("/wp-admin/edit.php", "Not yet", "Of storms")
	w.visit("/wp-admin/edit.php?post_status=publish&orderby=title&order=asc")
	w.inAnyOrder(func() { w.visit("/wp-admin/edit.php?orderby=comment_count&order=desc") })
	w.visit("/wp-admin/edit.php?s=voyage&cat=2&m=0")
	w.visit("/wp-admin/edit.php?author=1&mode=excerpt")
	w.visit("/wp-admin/edit.php?post_type=page", "About shards")
	w.visit("/wp-admin/edit-comments.php", "I disagree")
	w.visit("/wp-admin/edit-comments.php?s=third&comment_status=approved")
	w.visit("/wp-admin/edit-comments.php?comment_status=moderated")
	w.visit("/wp-admin/edit-tags.php?taxonomy=category", "Ships", "Sails")
	w.visit("/wp-admin/edit-tags.php?taxonomy=category&orderby=count&order=desc")
	w.visit("/wp-admin/edit-tags.php?taxonomy=post_tag&s=wi", "wind")
	w.visit("/wp-admin/users.php", "admin@site.test")
	w.visit("/wp-admin/users.php?orderby=email&s=admin&role=administrator")
	w.visit("/wp-admin/profile.php", "admin@site.test")
	w.visit("/wp-admin/upload.php?mode=list")
	w.visit("/wp-admin/options-general.php", "A site of shards")
	w.visit("/wp-admin/options-writing.php")
	w.visit("/wp-admin/options-reading.php")
	w.visit("/wp-admin/options-discussion.php")
	w.visit("/wp-admin/options-permalink.php")
	w.visit("/wp-admin/options.php")
	w.visit("/wp-admin/plugins.php")
	w.visit("/wp-admin/themes.php")
	w.visit("/wp-admin/tools.php")
	w.visit("/wp-admin/export.php")
	w.inAnyOrder(func() { w.visit("/wp-admin/export.php?download=true&content=all", "<item>", "The first voyage") })
	w.visit("/wp-admin/post.php?post=1&action=edit", "Hello world!")
	w.visit("/wp-admin/post-new.php")
	w.visit("/wp-admin/user-new.php")
	w.visit("/wp-admin/site-health.php?tab=debug")
}

var trashLink = regexp.MustCompile(`post\.php\?post=(\d+)&amp;action=trash&amp;_wpnonce=([0-9a-f]+)`)

// change edits, moves and deletes.
func (w wordPress) change() {
	w.t.Helper()
	w.rest("POST", "/wp/v2/posts/5", map[string]any{"title": "The very first voyage", "content": "rewritten", "categories": []int{3, 2}, "tags": []int{4, 5, 6}}, "The very first voyage")
	w.rest("GET", "/wp/v2/posts/5/revisions", nil, "rewritten")
	w.rest("POST", "/wp/v2/posts/6", map[string]any{"sticky": true, "comment_status": "closed"}, "closed")
	w.visit("/", "The very first voyage")
	w.submit("/wp-admin/options-general.php", "blogname", map[string]string{"blogname": "Another name", "blogdescription": "it's new"}, "Settings saved", "Another name")
	w.submit("/wp-admin/options-reading.php", "posts_per_page", map[string]string{"posts_per_page": "3"}, "Settings saved")
	w.visit("/?paged=2")
	w.submit("/wp-admin/user-new.php", "user_login", map[string]string{
		"user_login": "mate", "email": "mate@site.test", "first_name": "Ann", "last_name": "O'Hara", "pass1": "anchors aweigh my boys", "pass2": "anchors aweigh my boys", "role": "editor",
	}, "New user created", "mate@site.test")
	w.visit("/wp-admin/users.php?role=editor", "mate@site.test")
	w.submit("/wp-admin/edit-tags.php?taxonomy=post_tag", "tag-name", map[string]string{"tag-name": "rope", "slug": "", "description": "hemp"})
	w.visit("/wp-admin/edit-tags.php?taxonomy=post_tag", "rope")
	w.rest("POST", "/wp/v2/comments/2", map[string]any{"status": "hold"})
	w.visit("/wp-admin/edit-comments.php?comment_status=moderated", "Well written.")
	w.rest("DELETE", "/wp/v2/comments/3", nil)
	w.rest("DELETE", "/wp/v2/comments/4&force=true", nil)
	w.send("move to the trash", func(b *browser) request {
		list := b.do(request{path: "/wp-admin/edit.php?orderby=title&order=asc"})
		m := trashLink.FindStringSubmatch(list.body)
		if m == nil {
			w.t.Fatalf("no link to the trash\n%s", excerpt(list.body))
		}
		return request{path: "/wp-admin/post.php?post=" + m[1] + "&action=trash&_wpnonce=" + m[2]}
	})
	w.visit("/wp-admin/edit.php?post_status=trash&post_type=post")
	w.send("empty the trash", func(b *browser) request {
		f := b.do(request{path: "/wp-admin/edit.php?post_status=trash&post_type=post"}).formWith("delete_all")
		if f == nil {
			return request{path: "/wp-admin/edit.php"}
		}
		f.fields.Set("delete_all", "Empty Trash")
		return request{path: "/wp-admin/edit.php?" + f.fields.Encode()}
	})
	w.rest("DELETE", "/wp/v2/posts/7&force=true", nil)
	w.rest("DELETE", "/wp/v2/categories/3&force=true", nil)
	w.rest("DELETE", "/wp/v2/users/2&force=true&reassign=1", nil)
	w.visit("/wp-admin/users.php")
	w.visit("/?s=voyage")
	w.visit("/")
	w.send("a wrong password", func(b *browser) request {
		return request{path: "/wp-login.php", form: url.Values{"log": {"admin"}, "pwd": {"wrong"}, "wp-submit": {"Log In"}}}
	}, "is incorrect")
}
