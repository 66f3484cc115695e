// The scenarios in which goroutines start goroutines.
package main

import "sync"

const children = 1000 // of each goroutine of nested

func nested(n int) {
	parents := make(chan int, n/children)
	for from := 0; from < n; from += children {
		go func(from int) {
			results := make([]int, children)
			var group sync.WaitGroup
			group.Add(children)
			for i := 0; i < children; i++ {
				go func(i int) {
					results[i] = addOne(from + i)
					group.Done()
				}(i)
			}
			group.Wait()
			sum := 0
			for _, result := range results {
				sum += result
			}
			parents <- sum
		}(from)
	}
	sum := 0
	for i := 0; i < n/children; i++ {
		sum += <-parents
	}
	expect(sum, n*(n+1)/2)
}

const grainOfTree = 20

// tree is fib with a goroutine for each call, down to the grain.
func tree(n int) int {
	if n <= grainOfTree {
		return fib(n)
	}
	left := start(func() int { return tree(n - 1) })
	right := start(func() int { return tree(n - 2) })
	return <-left + <-right
}

func fibonacci(n int) int {
	a, b := 0, 1
	for i := 0; i < n; i++ {
		a, b = b, a+b
	}
	return a
}
