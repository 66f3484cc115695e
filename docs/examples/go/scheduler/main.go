// A thousand goroutines wait on two processors.
package main

import (
	"fmt"
	"runtime"
	"runtime/pprof"
	"sync"
)

func main() {
	runtime.GOMAXPROCS(2)
	gate := make(chan struct{})
	var started, ended sync.WaitGroup

	for range 1000 {
		started.Add(1)
		ended.Go(func() {
			started.Done()
			<-gate
		})
	}

	started.Wait()
	threads := pprof.Lookup("threadcreate").Count()
	fmt.Printf("Goroutines: %d, Threads: %d\n", runtime.NumGoroutine(), threads)
	close(gate)
	ended.Wait()
}
