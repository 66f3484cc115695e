// A worker for each processor searches for the longest Collatz chain.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

type Chain struct {
	start, length int
}

func chainOf(start int) Chain {
	length := 1
	for n := start; n != 1; length++ {
		if n%2 == 0 {
			n = n / 2
		} else {
			n = 3*n + 1
		}
	}
	return Chain{start, length}
}

func longestOf(first, count int) Chain {
	var longest Chain
	for start := first; start < first+count; start++ {
		if chain := chainOf(start); chain.length > longest.length {
			longest = chain
		}
	}
	return longest
}

func main() {
	const size = 10_000
	jobs := make(chan int)
	results := make(chan Chain)

	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for first := range jobs {
				results <- longestOf(first, size)
			}
		})
	}
	go func() {
		for first := 1; first < 1_000_000; first += size {
			jobs <- first
		}
		close(jobs)
		workers.Wait()
		close(results)
	}()

	var longest Chain
	for chain := range results {
		if chain.length > longest.length {
			longest = chain
		}
	}
	fmt.Printf("from %d it takes %d numbers to 1\n", longest.start, longest.length)
}
