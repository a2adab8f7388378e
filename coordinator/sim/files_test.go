package sim

import (
	"time"

	"lockstep/coordinator"
)

type files struct{}

func (f *files) sleep(time.Duration)          {}
func (f *files) remove()                      {}
func (f *files) open(l *life) coordinator.Log { return nil }
func (f *files) close(l *life)                {}
