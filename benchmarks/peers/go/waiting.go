// The scenarios in which goroutines wait for one another.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// perOp runs f for a tenth of n to warm up and then for n, and gives back microseconds for each.
func perOp(n int, f func(n int)) float64 {
	f(n / 10)
	begin := time.Now()
	f(n)
	return micros(time.Since(begin)) / float64(n)
}

// pingpong hands a number to and fro between two goroutines, both on one P or both locked to threads of their own.
func pingpong(n int, remote bool) float64 {
	if !remote {
		runtime.GOMAXPROCS(1)
	}
	there, back := make(chan int), make(chan int)
	go func() {
		if remote {
			runtime.LockOSThread()
		}
		for i := 0; i < n+n/10; i++ {
			back <- <-there + 1
		}
	}()
	if remote {
		runtime.LockOSThread()
	}
	return perOp(n, func(n int) {
		sum := 0
		for i := 0; i < n; i++ {
			there <- i
			sum += <-back
		}
		expect(sum, n*(n+1)/2)
	})
}

type item struct {
	id   int
	name string
	tags []string
	text string
}

func identity(id int) int { return id }

func object(id int) *item {
	return &item{id, fmt.Sprintf("item %d", id), []string{"a", "b", "c"}, strings.Repeat("x", 900)}
}

// stream sends n values from some goroutines to others over one channel with room for 1024; each receiver adds up their numbers.
func stream[T any](n, senders, receivers int, wrap func(int) T, unwrap func(T) int) {
	ch := make(chan T, 1024)
	sums := make(chan int, receivers)
	for r := 0; r < receivers; r++ {
		go func() {
			sum := 0
			for value := range ch {
				sum += unwrap(value)
			}
			sums <- sum
		}()
	}
	var sending sync.WaitGroup
	for s := 0; s < senders; s++ {
		sending.Add(1)
		go func(from, to int) {
			for id := from; id < to; id++ {
				ch <- wrap(id)
			}
			sending.Done()
		}(n/senders*s, n/senders*(s+1))
	}
	sending.Wait()
	close(ch)
	sum := 0
	for r := 0; r < receivers; r++ {
		sum += <-sums
	}
	expect(sum, n*(n-1)/2)
}

func select2(n int) {
	a, b := make(chan int), make(chan int)
	sender := func(ch chan int, from, to int) {
		for i := from; i < to; i++ {
			ch <- i
		}
	}
	go sender(a, 0, n/2)
	go sender(b, n/2, n)
	sum := 0
	for i := 0; i < n; i++ {
		select {
		case value := <-a:
			sum += value
		case value := <-b:
			sum += value
		}
	}
	expect(sum, n*(n-1)/2)
}

func mutex(n, goroutines int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	counter := 0
	for g := 0; g < goroutines; g++ {
		group.Add(1)
		go func() {
			for i := 0; i < n/goroutines; i++ {
				mu.Lock()
				counter++
				mu.Unlock()
			}
			group.Done()
		}()
	}
	group.Wait()
	expect(counter, n)
}

func skynet(result chan int, number, size int) {
	if size == 1 {
		result <- number
		return
	}
	children := make(chan int)
	for i := 0; i < 10; i++ {
		go skynet(children, number+i*(size/10), size/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	result <- sum
}

func runSkynet(n int) {
	result := make(chan int)
	go skynet(result, 0, n)
	expect(<-result, n*(n-1)/2)
}

type parking struct {
	Bytes float64 `json:"bytes"`
	Time  float64 `json:"time"`
}

// parked has n goroutines wait on one channel, until it is closed.
func parked(n int) parking {
	var started, ended sync.WaitGroup
	ch := make(chan int)
	started.Add(n)
	ended.Add(n)
	before := resident()
	begin := time.Now()
	for i := 0; i < n; i++ {
		go func() {
			started.Done()
			<-ch
			ended.Done()
		}()
	}
	started.Wait()
	startedIn := time.Since(begin)
	bytes := float64(resident()-before) / float64(n)
	begin = time.Now()
	close(ch)
	ended.Wait()
	return parking{bytes, micros(startedIn+time.Since(begin)) / float64(n)}
}

// resident is the process's resident memory in bytes where Linux tells it, else what the Go runtime has had from the system.
func resident() int {
	var size, pages int
	if file, err := os.Open("/proc/self/statm"); err == nil {
		defer file.Close()
		if _, err := fmt.Fscan(file, &size, &pages); err == nil {
			return pages * os.Getpagesize()
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.Sys)
}

// sleepers has n goroutines sleep for a second, and gives back the milliseconds beyond it.
func sleepers(n int) float64 {
	begin := time.Now()
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			time.Sleep(time.Second)
			group.Done()
		}()
	}
	group.Wait()
	return micros(time.Since(begin)-time.Second) / 1000
}

const stages, capacity = 5, 64

// pipeline passes n numbers through five goroutines, each of which adds one.
func pipeline(n int) {
	first := make(chan int, capacity)
	last := first
	for i := 0; i < stages; i++ {
		from, to := last, make(chan int, capacity)
		go func() {
			for value := range from {
				to <- value + 1
			}
			close(to)
		}()
		last = to
	}
	go func() {
		for i := 0; i < n; i++ {
			first <- i
		}
		close(first)
	}()
	sum := 0
	for value := range last {
		sum += value
	}
	expect(sum, n*(n-1)/2+stages*n)
}
