// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits bound what rules may use.
type Limits struct {
	// Time is for the evaluation of one rule, or of all built-in rules, on one
	// view.
	Time time.Duration
	// Memory is how many bytes the live heap of the process may grow by while
	// rules are evaluated.
	Memory uint64
	// Abort is called when a rule has twice the memory and does not stop, as
	// within one call of a built-in function. It must end the process.
	Abort func(message string)
}

// DefaultLimits leave Abort to the caller. Rules take well below a millisecond
// and a few megabytes.
func DefaultLimits() Limits { return Limits{Time: 10 * time.Second, Memory: 1 << 30} }

// interval is how often the watch looks.
const interval = 5 * time.Millisecond

// watch stops evaluations that are beyond the limits.
type watch struct {
	limits Limits
	base   uint64 // of the heap before
	done   chan struct{}
	mu     sync.Mutex
	runs   map[*run]bool
}

// run is one evaluation.
type run struct {
	cancel   topdown.Cancel
	deadline time.Time
	reason   atomic.Pointer[string]
	// memory says that it was stopped for memory that may be another's.
	memory atomic.Bool
}

// why says which limit the run was stopped at.
func (r *run) why() string {
	if s := r.reason.Load(); s != nil {
		return *s
	}
	return "its limits"
}

func newWatch(l Limits) *watch {
	w := &watch{limits: l, base: heap(), done: make(chan struct{}), runs: map[*run]bool{}}
	go w.look()
	return w
}

func (w *watch) stop() { close(w.done) }

func (w *watch) begin() *run {
	r := &run{cancel: topdown.NewCancel(), deadline: time.Now().Add(w.limits.Time)}
	w.mu.Lock()
	w.runs[r] = true
	w.mu.Unlock()
	return r
}

func (w *watch) end(r *run) {
	w.mu.Lock()
	delete(w.runs, r)
	w.mu.Unlock()
}

func (w *watch) look() {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-w.done:
			return
		case now := <-ticker.C:
			used := heap()
			if used > w.base+w.limits.Memory {
				runtime.GC() // most may be garbage
				used = heap()
			}
			w.judge(now, used-min(used, w.base))
		}
	}
}

// judge stops every evaluation beyond its time and, when there is too much
// memory, all of them, since whose it is cannot be told.
func (w *watch) judge(now time.Time, grown uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range w.runs {
		switch {
		case grown > w.limits.Memory:
			r.memory.Store(true)
			r.stop(fmt.Sprintf("%d MiB of memory", w.limits.Memory>>20))
		case now.After(r.deadline):
			r.stop(w.limits.Time.String())
		}
	}
	if grown > 2*w.limits.Memory && w.limits.Abort != nil && len(w.runs) > 0 {
		w.limits.Abort(fmt.Sprintf("a rule needs more than %d MiB and cannot be stopped", 2*w.limits.Memory>>20))
	}
}

func (r *run) stop(reason string) {
	r.reason.CompareAndSwap(nil, &reason)
	r.cancel.Cancel()
}

// heap returns the bytes of objects that are live or not yet swept.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
