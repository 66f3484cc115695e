// The scenario in which the number of processors changes.
package main

import "runtime"

// scale gives back, by number of processors, the milliseconds of each of three alternating turns of n tasks; two before them
// warm up.
func scale(n, work int) map[int][]float64 {
	times := map[int][]float64{}
	for turn := 0; turn < 5; turn++ {
		for _, processors := range []int{1, 2, 4, 8} {
			runtime.GOMAXPROCS(processors)
			elapsed, sum := fanOut(n, func(int) int { return spin(work) })
			expect(sum, n*spin(work))
			if turn > 1 {
				times[processors] = append(times[processors], micros(elapsed)/1000)
			}
		}
	}
	return times
}
