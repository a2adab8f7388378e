package commit

import "strings"

// mentions says whether one of some messages holds all words.
func mentions(messages []string, words ...string) bool {
	for _, m := range messages {
		if containsAll(m, words...) {
			return true
		}
	}
	return false
}

func containsAll(s string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(s, word) {
			return false
		}
	}
	return true
}
