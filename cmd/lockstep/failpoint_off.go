//go:build !failpoint

package main

import "lockstep/coordinator"

// failpoint is nil: ordinary builds stop nowhere.
func failpoint() func(coordinator.Step, int) { return nil }
