// Each prime adds a goroutine that lets no multiple of it through.
package main

import "fmt"

func generate(out chan<- int) {
	for n := 2; ; n++ {
		out <- n
	}
}

func filter(in <-chan int, out chan<- int, prime int) {
	for n := range in {
		if n%prime != 0 {
			out <- n
		}
	}
}

func main() {
	numbers := make(chan int)
	go generate(numbers)

	for range 20 {
		prime := <-numbers
		fmt.Println(prime)
		rest := make(chan int)
		go filter(numbers, rest, prime)
		numbers = rest
	}
}
