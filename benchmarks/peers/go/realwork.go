// The realwork scenarios that are the same work in Go.
package main

import (
	"fmt"
	"math"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// tasks starts all of n and waits for them.
func tasks(n int, task func(i int)) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			task(i)
			group.Done()
		}(i)
	}
	group.Wait()
}

// middle runs the work twice to warm up and then three times, and gives back the median of those in milliseconds.
func middle(work func()) float64 {
	var times []float64
	for turn := 0; turn < 5; turn++ {
		begin := time.Now()
		work()
		times = append(times, micros(time.Since(begin))/1000)
	}
	times = times[2:]
	sort.Float64s(times)
	return times[1]
}

func blurRows(source, target []byte, width, height, radius, from, to int) {
	window := 2*radius + 1
	for y := from; y < to; y++ {
		for channel := 0; channel < 4; channel++ {
			row := y*width*4 + channel
			sum := 0
			for x := -radius; x <= radius; x++ {
				sum += int(source[row+min(max(x, 0), width-1)*4])
			}
			for x := 0; x < width; x++ {
				target[(x*height+y)*4+channel] = byte(sum / window)
				sum += int(source[row+min(x+radius+1, width-1)*4]) - int(source[row+max(x-radius, 0)*4])
			}
		}
	}
}

// blur blurs an image of n by n pixels in both directions.
func blur(n int) float64 {
	const band, radius = 16, 8
	image, turned, blurred := make([]byte, n*n*4), make([]byte, n*n*4), make([]byte, n*n*4)
	for i := range image {
		image[i] = byte((i * 31) ^ (i >> 9))
	}
	elapsed := middle(func() {
		tasks(n/band, func(i int) { blurRows(image, turned, n, n, radius, i*band, (i+1)*band) })
		tasks(n/band, func(i int) { blurRows(turned, blurred, n, n, radius, i*band, (i+1)*band) })
	})
	at, sum := n/2, 0
	for y := at - radius; y <= at+radius; y++ {
		row := 0
		for x := at - radius; x <= at+radius; x++ {
			row += int(image[(y*n+x)*4])
		}
		sum += row / (2*radius + 1)
	}
	expect(int(blurred[(at*n+at)*4]), sum/(2*radius+1))
	return elapsed
}

// monteCarlo throws 100,000 darts in each of n tasks.
func monteCarlo(n int) float64 {
	const times = 100_000
	var hits atomic.Int32
	elapsed := middle(func() {
		hits.Store(0)
		tasks(n, func(i int) {
			x := uint32((i + 1) * 2654435)
			random := func() float64 {
				x ^= x << 13
				x ^= x >> 17
				x ^= x << 5
				return float64(x) / (1 << 32)
			}
			count := int32(0)
			for dart := 0; dart < times; dart++ {
				a, b := random(), random()
				if a*a+b*b < 1 {
					count++
				}
			}
			hits.Add(count)
		})
	})
	pi := 4 * float64(hits.Load()) / float64(n*times)
	if math.Abs(pi-math.Pi) > 0.005 {
		fail(fmt.Sprintf("computed %f for π", pi))
	}
	return elapsed
}
