// The scenarios in Go, on the Go that is installed here. Each does what its JavaScript file does: warm up, then measure
// once, check the result, and print the figures as one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "startup" {
		fmt.Println(<-start(func() int { return 41 + 1 }))
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "latency" {
		serveLatency()
	}
	if len(os.Args) < 3 {
		fail("usage: peers SCENARIO N, or grain N ROUNDS, or mutex N GOROUTINES, or startup, or latency")
	}
	n := number(2)
	switch os.Args[1] {
	case "fanout":
		for round := 0; round < 3; round++ {
			fanOut(n/10, addOne)
		}
		elapsed, sum := fanOut(n, addOne)
		expect(sum, n*(n+1)/2)
		print(micros(elapsed) / float64(n))
	case "sequential":
		oneByOne(n / 5)
		elapsed, sum := oneByOne(n)
		expect(sum, n*(n+1)/2)
		print(micros(elapsed) / float64(n))
	case "cpu":
		thirty := func(int) int { return fib(30) }
		fanOut(8, thirty)
		elapsed, sum := fanOut(n, thirty)
		expect(sum, n*832040)
		print(micros(elapsed) / 1000 / float64(n))
	case "grain":
		print(grain(n, number(3)))
	case "pingpong.local":
		print(pingpong(n, false))
	case "pingpong.remote":
		print(pingpong(n, true))
	case "buffered.numbers":
		print(perOp(n, func(n int) { stream(n, 1, 1, identity, identity) }))
	case "buffered.objects":
		print(perOp(n, func(n int) { stream(n, 1, 1, object, func(object *item) int { return object.id }) }))
	case "mpmc":
		print(perOp(n, func(n int) { stream(n, 4, 4, identity, identity) }))
	case "select2":
		print(perOp(n, select2))
	case "mutex":
		print(perOp(n, func(n int) { mutex(n, number(3)) }))
	case "skynet":
		runSkynet(n / 10)
		begin := time.Now()
		runSkynet(n)
		print(micros(time.Since(begin)) / 1000)
	case "nested":
		for round := 0; round < 3; round++ {
			nested(n / 10)
		}
		begin := time.Now()
		nested(n)
		print(micros(time.Since(begin)) / float64(n))
	case "tree":
		<-start(func() int { return tree(n) })
		begin := time.Now()
		result := <-start(func() int { return tree(n) })
		elapsed := time.Since(begin)
		expect(result, fibonacci(n))
		print(micros(elapsed) / 1000)
	case "pipeline":
		print(perOp(n, pipeline))
	case "scale":
		print(scale(n, number(3)))
	case "realwork.blur":
		print(blur(n))
	case "realwork.montecarlo":
		print(monteCarlo(n))
	case "memory.queued":
		print(bytesOf(n, queued))
	case "memory.running":
		print(bytesOf(n, yielding))
	case "memory.parked":
		print(bytesOf(n, parkedOnChannel))
	case "parked":
		parked(n / 100)
		print(parked(n))
	case "sleepers":
		print(sleepers(n))
	default:
		fail("no scenario " + os.Args[1])
	}
}

func addOne(x int) int { return x + 1 }

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

//go:noinline
func spin(rounds int) int {
	x := int32(rounds) | 1
	for i := 0; i < rounds; i++ {
		x ^= x << 13
		x ^= int32(uint32(x) >> 17)
		x ^= x << 5
	}
	return int(x)
}

// start runs f in a goroutine and gives back the channel that its result comes on.
func start(f func() int) chan int {
	result := make(chan int, 1)
	go func() { result <- f() }()
	return result
}

// fanOut starts all, then waits for all. Go's way to do so is a WaitGroup and a slot for each result.
func fanOut(n int, f func(int) int) (time.Duration, int) {
	begin := time.Now()
	results := make([]int, n)
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			results[i] = f(i)
			group.Done()
		}(i)
	}
	group.Wait()
	sum := 0
	for _, result := range results {
		sum += result
	}
	return time.Since(begin), sum
}

func oneByOne(n int) (time.Duration, int) {
	begin := time.Now()
	sum := 0
	for i := 0; i < n; i++ {
		x := i
		sum += <-start(func() int { return addOne(x) })
	}
	return time.Since(begin), sum
}

type comparison struct {
	Loop   float64 `json:"loop"`
	Spread float64 `json:"spread"`
}

// grain compares a plain loop with goroutines: the best of five alternating turns on both sides, after one to warm up.
func grain(n, rounds int) comparison {
	best := comparison{math.Inf(1), math.Inf(1)}
	for turn := 0; turn < 6; turn++ {
		begin := time.Now()
		looped := 0
		for i := 0; i < n; i++ {
			looped += spin(rounds)
		}
		loop := time.Since(begin)
		spread, sum := fanOut(n, func(int) int { return spin(rounds) })
		expect(sum, looped)
		if turn > 0 {
			best.Loop = math.Min(best.Loop, micros(loop)/float64(n))
			best.Spread = math.Min(best.Spread, micros(spread)/float64(n))
		}
	}
	return best
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func number(i int) int {
	if i >= len(os.Args) {
		fail("a number is missing")
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		fail(err.Error())
	}
	return n
}

func expect(actual, expected int) {
	if actual != expected {
		fail(fmt.Sprintf("computed %d where %d is right", actual, expected))
	}
}

func print(figures any) {
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
