package apps

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

var (
	formElement     = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	fieldElement    = regexp.MustCompile(`(?is)<input\b([^>]*)>|<textarea\b([^>]*)>(.*?)</textarea>|<select\b([^>]*)>(.*?)</select>`)
	optionElement   = regexp.MustCompile(`(?is)<option\b([^>]*)>([^<]*)`)
	attributePat    = regexp.MustCompile(`(?is)([a-z_:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))`)
	checkedPat      = regexp.MustCompile(`(?i)\bchecked\b`)
	selectedPat     = regexp.MustCompile(`(?i)\bselected\b`)
	quotedAttribute = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// form is a form of a page as a browser would send it.
type form struct {
	action string
	fields url.Values
}

// formWith finds the form that has a field of this name; nil: there is none.
func (p page) formWith(field string) *form {
	for _, m := range formElement.FindAllStringSubmatch(p.body, -1) {
		f := &form{action: attribute(m[1], "action"), fields: url.Values{}}
		found := false
		for _, e := range fieldElement.FindAllStringSubmatch(m[2], -1) {
			found = f.add(e) == field || found
		}
		if !found {
			continue
		}
		base, err := url.Parse(p.url)
		if err != nil {
			return nil
		}
		to, err := base.Parse(f.action)
		if err != nil {
			return nil
		}
		f.action = to.String()
		return f
	}
	return nil
}

// add takes an input, textarea or select and returns its name.
func (f *form) add(e []string) string {
	switch {
	case e[4] != "":
		name := attribute(e[4], "name")
		options := optionElement.FindAllStringSubmatch(e[5], -1)
		for i, o := range options {
			if selectedPat.MatchString(quotedAttribute.ReplaceAllString(o[1], "")) || i == 0 {
				f.fields.Set(name, optionValue(o))
			}
		}
		return name
	case e[2] != "":
		name := attribute(e[2], "name")
		f.fields.Set(name, html.UnescapeString(strings.TrimPrefix(e[3], "\n")))
		return name
	}
	name, kind := attribute(e[1], "name"), strings.ToLower(attribute(e[1], "type"))
	switch kind {
	case "submit", "button", "image", "file", "reset":
	case "checkbox", "radio":
		if checkedPat.MatchString(quotedAttribute.ReplaceAllString(e[1], "")) {
			value := attribute(e[1], "value")
			if value == "" {
				value = "on"
			}
			f.fields.Add(name, value)
		}
	default:
		f.fields.Add(name, attribute(e[1], "value"))
	}
	return name
}

func optionValue(o []string) string {
	if strings.Contains(o[1], "value") {
		return attribute(o[1], "value")
	}
	return html.UnescapeString(o[2])
}

func attribute(tag, name string) string {
	for _, m := range attributePat.FindAllStringSubmatch(tag, -1) {
		if strings.EqualFold(m[1], name) {
			return html.UnescapeString(m[2] + m[3] + m[4])
		}
	}
	return ""
}
