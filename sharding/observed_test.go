package sharding

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestObservedIsCheapUntilItsMeanIsNot(t *testing.T) {
	var o Observed
	if !o.Cheap() {
		t.Fatal("what nobody knows is not cheap")
	}
	for range 3 { // single slow runs say nothing
		o.RanShared(1000*cheapTime, 100)
		for range 100 {
			o.RanShared(cheapTime/100, 100)
		}
		if !o.Cheap() {
			t.Fatal("a single slow run makes it dear")
		}
	}
	for range 100 {
		o.RanShared(2*cheapTime, 100)
	}
	if o.Cheap() {
		t.Fatal("slow runs do not make it dear")
	}
	o.RanShared(cheapTime/100, 100)
	if o.Cheap() {
		t.Fatal("a run that was under way already makes it cheap again")
	}
}

func TestObservedLargeAnswerIsDear(t *testing.T) {
	var o Observed
	o.RanShared(time.Microsecond, cheapSize)
	if !o.Cheap() {
		t.Fatal("an answer of the largest size is dear")
	}
	o.RanShared(time.Microsecond, cheapSize+1)
	if o.Cheap() {
		t.Fatal("a larger one is not")
	}
}

// After its pause one run alone may try, and what that shows counts.
func TestObservedIsTriedAgain(t *testing.T) {
	for _, good := range []bool{true, false} {
		var o Observed
		o.HeldUp()
		if o.Cheap() {
			t.Fatal("it is cheap at once again")
		}
		o.until.Store(time.Now().Add(-time.Millisecond).UnixNano())
		var wait sync.WaitGroup
		var tries atomic.Int32
		for range 16 {
			wait.Go(func() {
				if o.Cheap() {
					tries.Add(1)
				}
			})
		}
		wait.Wait()
		if n := tries.Load(); n != 1 {
			t.Fatalf("%d try at once", n)
		}
		if good {
			o.RanShared(cheapTime/10, 100)
		} else {
			o.RanShared(cheapTime/10, cheapSize+1)
		}
		if o.Cheap() != good {
			t.Errorf("after a try that went well (%v) it is cheap: %v", good, !good)
		}
	}
}

func TestObservedPausesGrowToALimit(t *testing.T) {
	var o Observed
	last := time.Duration(0)
	for i := range 20 {
		o.HeldUp()
		pause := time.Until(time.Unix(0, o.until.Load()))
		if i <= maxStrikes && pause <= last {
			t.Errorf("pause %d is %v, the one before %v", i, pause, last)
		}
		if pause > firstPause<<maxStrikes {
			t.Errorf("pause %d is %v", i, pause)
		}
		last = pause
	}
}
