package backend

import (
	"fmt"
	"slices"
)

// A branch that was settled while the server hid prepared transactions may be the hidden one. It is listed as
// prepared until a look finds none hidden: whoever goes by the list must not take it for settled, or the
// decision would be forgotten that it needs when the server's restart brings it back.

// maxDoubtful bounds what is remembered; past it the shard cannot be listed.
const maxDoubtful = 65536

// doubt remembers a branch that was settled beside hidden ones.
func (s *Shard) doubt(x XID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubtful == nil {
		s.doubtful = map[XID]struct{}{}
	}
	if len(s.doubtful) <= maxDoubtful {
		s.doubtful[x] = struct{}{}
	}
}

// sure forgets a branch of which the server showed what became of it.
func (s *Shard) sure(x XID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doubtful, x)
}

// withDoubtful adds to a list what may be prepared though the server does not say so.
func (s *Shard) withDoubtful(xids []XID) ([]XID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.doubtful) > maxDoubtful {
		return nil, fmt.Errorf("more than %d branches were settled while others were hidden: restart the server, then this process", maxDoubtful)
	}
	for x := range s.doubtful {
		if !slices.Contains(xids, x) {
			xids = append(xids, x)
		}
	}
	return xids, nil
}

// hides says whether the number of hidden transactions is news.
func (s *Shard) hides(n int) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = n != s.hidden
	s.hidden = n
	return news
}
