// The memory scenarios: what a goroutine takes in each of its states.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// bytesOf brings n goroutines to where start puts them and gives back the resident bytes of each. What start gives back
// lets them end.
func bytesOf(n int, start func(n int) (end func())) float64 {
	start(n / 1000)()
	before := resident()
	end := start(n)
	bytes := float64(resident()-before) / float64(n)
	end()
	return bytes
}

// queued keeps every processor busy, so that none of them begins: all but one with a goroutine that looks at a word, and that one
// with what starts them.
func queued(n int) func() {
	var isOpen atomic.Bool
	var begun, ended sync.WaitGroup
	processors := runtime.GOMAXPROCS(0)
	begun.Add(processors - 1)
	for i := 0; i < processors-1; i++ {
		go func() {
			begun.Done()
			for !isOpen.Load() {
			}
		}()
	}
	begun.Wait()
	ended.Add(n)
	for i := 0; i < n; i++ {
		go ended.Done()
	}
	return func() {
		isOpen.Store(true)
		ended.Wait()
	}
}

func yielding(n int) func() {
	var isOpen atomic.Bool
	var begun, ended sync.WaitGroup
	begun.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			begun.Done()
			for !isOpen.Load() {
				runtime.Gosched()
			}
			ended.Done()
		}()
	}
	begun.Wait()
	return func() {
		isOpen.Store(true)
		ended.Wait()
	}
}

func parkedOnChannel(n int) func() {
	var begun, ended sync.WaitGroup
	gate := make(chan int)
	begun.Add(n)
	ended.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			begun.Done()
			<-gate
			ended.Done()
		}()
	}
	begun.Wait()
	return func() {
		close(gate)
		ended.Wait()
	}
}
