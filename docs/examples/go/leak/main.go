// Three goroutines race for an answer. The losers of the first race wait for ever; those of the second are told to go, and it waits for them.
package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

func leaky() int {
	answers := make(chan int)
	for _, ms := range []int{10, 20, 30} {
		go func() {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			answers <- ms
		}()
	}
	return <-answers
}

func fixed() int {
	ctx, cancel := context.WithCancel(context.Background())
	answers := make(chan int)
	var racers sync.WaitGroup
	for _, ms := range []int{10, 20, 30} {
		racers.Go(func() {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			select {
			case answers <- ms:
			case <-ctx.Done():
			}
		})
	}
	answer := <-answers
	cancel()
	racers.Wait()
	return answer
}

func main() {
	for _, race := range []func() int{leaky, fixed} {
		before := runtime.NumGoroutine()
		race()
		time.Sleep(200 * time.Millisecond)
		fmt.Printf("left behind: %d\n", runtime.NumGoroutine()-before)
	}
}
