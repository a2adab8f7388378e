package protocol

// sequence numbers the frames of a conversation. Both directions share one counter: a
// command is number 0, its answer goes on behind it, and the next command starts again.
//
// A client may write several commands before it reads the first answer (pipelining).
// Then the counter cannot run through: the number with which each answer must begin is
// queued when its command is written.
type sequence struct {
	next  byte
	fresh bool // nothing has passed since reset

	answers []byte // numbers with which the outstanding answers begin, oldest first
	loose   bool   // the frames below have numbers of their own, which are the ones that count
	inside  bool   // an answer reader is in the middle of a chain of results
}

func (s *sequence) reset() { s.next, s.fresh = 0, true }

// wrote moves past a packet that we sent in so many frames.
func (s *sequence) wrote(frames int, first []byte) {
	opening := s.fresh
	s.fresh = false
	s.next += byte(frames)
	if opening && len(first) > 0 && Command(first[0]).Answered() {
		s.answers = append(s.answers, s.next)
	}
}

// accept checks the number of a frame that arrived, outside of any answer reader.
func (s *sequence) accept(number byte) bool {
	s.fresh = false
	if len(s.answers) > 0 && number == s.answers[0] {
		s.pop()
	} else if number != s.next && !s.loose {
		return false
	}
	s.next = number + 1
	return true
}

// follow checks the number of a frame inside an answer.
func (s *sequence) follow(number byte) bool {
	if number != s.next && !s.loose {
		return false
	}
	s.next = number + 1
	return true
}

// begin moves to the start of the oldest outstanding answer, unless the next result of the
// same answer is what comes.
func (s *sequence) begin() {
	s.fresh = false
	if !s.inside && len(s.answers) > 0 {
		s.next = s.answers[0]
		s.pop()
	}
	s.inside = false
}

func (s *sequence) pop() {
	// Short in practice (a handful of commands), so moving down beats a ring.
	n := copy(s.answers, s.answers[1:])
	s.answers = s.answers[:n]
}
