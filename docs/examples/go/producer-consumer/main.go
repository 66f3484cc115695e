// Two producers fill a buffer of four, one consumer empties it.
package main

import (
	"fmt"
	"sync"
)

func main() {
	buffer := make(chan int, 4)
	var producers sync.WaitGroup

	for _, first := range []int{1, 2} {
		producers.Go(func() {
			for n := first; n <= 100; n += 2 {
				buffer <- n
			}
		})
	}
	go func() {
		producers.Wait()
		close(buffer)
	}()

	count, sum := 0, 0
	for n := range buffer {
		count++
		sum += n
	}
	fmt.Printf("consumed %d numbers, their sum is %d\n", count, sum)
}
