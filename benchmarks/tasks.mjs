// The functions that are measured. Each is self-contained, so that goro and multithreading can ship it as source; the
// pools that want a file load this one and call the export by its name.

/** The smallest task there is: what remains is the price of the crossing. */
export function addOne(x) {
  return x + 1
}

/** Real work that no cache and no allocator disturbs: about 10 ms for n = 30. */
export function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2)
}

/**
 * Work of any length: `rounds` numbers of Marsaglia's xorshift, each made of the one before, which neither the compiler nor the processor can
 * skip. No multiplications: with `Math.imul` V8 13.6 (Node 24) runs the same function for some hundred milliseconds five times as fast or as
 * slowly, by which of its compilers was the last, also where nothing else runs.
 */
export function spin(rounds) {
  let x = rounds | 1
  for (let i = 0; i < rounds; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

/** Gives back what it was given. */
export function echo(x) {
  return x
}

/** The first and the last byte of a buffer, added. */
export function endsOfBuffer(buffer) {
  const bytes = new Uint8Array(buffer)
  return bytes[0] + bytes[bytes.length - 1]
}

/** `spin`, so many times in a row; the sum of what it gives back. */
export function spinMany({ times, rounds }) {
  let sum = 0
  for (let i = 0; i < times; i++) sum += spin(rounds)
  return sum
}
