/**
 * A 128-bit hash of the numbers that make up a state, as a string of eight characters: short keys, because there are
 * millions. Two different states would have to meet in four mixes at once to be taken for one: a chance of about 10^-26
 * among a million.
 */
export class Key {
  #a = 0x9e3779b9
  #b = 0x243f6a88
  #c = 0xb7e15162
  #d = 0x6a09e667

  /** Adds an integer of up to 32 bits. */
  add(n: number): void {
    this.#a = mix(Math.imul(this.#a ^ n, 0x85ebca6b))
    this.#b = mix(Math.imul(this.#b ^ n, 0xc2b2ae35))
    this.#c = mix(Math.imul(this.#c ^ n, 0x27d4eb2f))
    this.#d = mix(Math.imul(this.#d ^ n, 0x165667b1))
  }

  toString(): string {
    return String.fromCharCode(
      this.#a >>> 16,
      this.#a & 0xffff,
      this.#b >>> 16,
      this.#b & 0xffff,
      this.#c >>> 16,
      this.#c & 0xffff,
      this.#d >>> 16,
      this.#d & 0xffff,
    )
  }
}

/** Lets high bits count in low ones: a product carries upwards only. */
function mix(h: number): number {
  return h ^ (h >>> 15)
}
