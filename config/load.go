package config

import (
	"fmt"
	"io"
	"os"
)

// MaxFileSize is the largest configuration file that Load reads, in bytes.
const MaxFileSize = 4 << 20

// Load reads and checks a file. An error of opening or reading it is wrapped;
// what is wrong with its text is an *Error, which holds all findings, each with
// line and excerpt.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if len(text) > MaxFileSize {
		return nil, fmt.Errorf("read configuration: %s is larger than %d bytes", path, MaxFileSize)
	}
	return Parse(path, text)
}

// Parse is Load for text; name stands for the file in messages, and its folder
// is where relative paths start.
func Parse(name string, text []byte) (*Config, error) {
	s := newSource(name, text)
	root, ok := s.parse(text)
	if !ok {
		return nil, s.err()
	}
	c := new(Config)
	s.decode(root, c)
	if !s.broken[""] { // a file that is no mapping has one finding, not one for each field that is missing
		s.check(c)
	}
	if err := s.err(); err != nil {
		return nil, err
	}
	return c, nil
}
