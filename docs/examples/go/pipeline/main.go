// Two stages that never end by themselves: who has seen enough cancels them.
package main

import (
	"context"
	"fmt"
	"sync"
)

var stages sync.WaitGroup

func count(ctx context.Context) <-chan int {
	out := make(chan int)
	stages.Go(func() {
		defer close(out)
		for n := 1; ; n++ {
			select {
			case out <- n:
			case <-ctx.Done():
				return
			}
		}
	})
	return out
}

func square(ctx context.Context, in <-chan int) <-chan int {
	out := make(chan int)
	stages.Go(func() {
		defer close(out)
		for n := range in {
			select {
			case out <- n * n:
			case <-ctx.Done():
				return
			}
		}
	})
	return out
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	for n := range square(ctx, count(ctx)) {
		fmt.Println(n)
		if n >= 100 {
			break
		}
	}
	cancel()
	stages.Wait()
	fmt.Println(ctx.Err())
}
