/** The two sides of what is WebAssembly: that, and the TypeScript that says what it means. */
import { expect } from 'vitest'

/** What does `act` on both: it gives what that gives, which is the same, and so is the memory of both after it. */
export function twins<Side extends { words(): number[] }>(web: Side, plain: Side): <T>(act: (on: Side) => T) => T {
  return (act) => {
    const outcome = act(web)
    expect(act(plain)).toEqual(outcome)
    expect(web.words()).toEqual(plain.words())
    return outcome
  }
}
