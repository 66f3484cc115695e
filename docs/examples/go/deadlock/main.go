// Two goroutines each hold the lock that the other waits for.
package main

import "sync"

func main() {
	var left, right sync.Mutex
	var holding, ended sync.WaitGroup
	holding.Add(2)

	take := func(first, second *sync.Mutex) {
		first.Lock()
		holding.Done()
		holding.Wait()
		second.Lock()
	}

	ended.Go(func() { take(&left, &right) })
	ended.Go(func() { take(&right, &left) })
	ended.Wait()
}
