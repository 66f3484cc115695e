// Three goroutines share one stream of numbers; what they make of it comes together again.
package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

func count(n int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for i := range n {
			out <- i + 1
		}
	}()
	return out
}

func square(in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := range in {
			out <- n * n
		}
	}()
	return out
}

func merge(ins ...<-chan int) <-chan int {
	out := make(chan int)
	var open sync.WaitGroup
	for _, in := range ins {
		open.Go(func() {
			for n := range in {
				out <- n
			}
		})
	}
	go func() {
		open.Wait()
		close(out)
	}()
	return out
}

func main() {
	numbers := count(10)
	var squares []int
	for n := range merge(square(numbers), square(numbers), square(numbers)) {
		squares = append(squares, n)
	}
	slices.Sort(squares)
	fmt.Println(strings.Trim(fmt.Sprint(squares), "[]"))
}
