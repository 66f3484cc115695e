// The server of the latency scenarios: peers/http/latency.mjs in Go.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// About 50 ms, as on the other side.
const heavyRounds = 36_000_000

func serveLatency() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	fmt.Printf("http://%s\n", listener.Addr())
	fail(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/heavy" {
			io.WriteString(w, strconv.Itoa(spin(heavyRounds)))
		} else {
			io.WriteString(w, "light")
		}
	})).Error())
}
