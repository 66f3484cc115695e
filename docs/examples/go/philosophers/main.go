// Five philosophers, five forks: as each takes the fork with the lower number first, they never all wait in a circle.
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	names := []string{"Aristotle", "Confucius", "Descartes", "Hypatia", "Plato"}
	forks := make([]sync.Mutex, len(names))
	var table sync.WaitGroup

	for seat, name := range names {
		left, right := seat, (seat+1)%len(names)
		first, second := &forks[min(left, right)], &forks[max(left, right)]
		table.Go(func() {
			for meal := 1; meal <= 3; meal++ {
				first.Lock()
				second.Lock()
				fmt.Printf("%s eats meal %d\n", name, meal)
				time.Sleep(time.Millisecond)
				second.Unlock()
				first.Unlock()
			}
		})
	}

	table.Wait()
	fmt.Println("all are full")
}
