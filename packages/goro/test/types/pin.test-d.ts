/** What `pin` infers: Comlink's own types, and what can't be sent. */
import { type Pinned, pin, type Remote } from 'goro'
import { describe, expectTypeOf, test } from 'vitest'

class Counter {
  n = 0
  inc(by: number): number {
    this.n += by
    return this.n
  }
  async later(): Promise<string> {
    return 'later'
  }
  listen(_callback: (n: number) => void): void {}
}

describe('pin', () => {
  test('resolves to a remote of what the factory returns, or resolves to', () => {
    expectTypeOf(pin(() => new Counter())).toEqualTypeOf<Promise<Pinned<Counter>>>()
    expectTypeOf(pin(async (n: number) => ({ n }), 1)).toEqualTypeOf<Promise<Pinned<{ n: number }>>>()
    expectTypeOf<Pinned<Counter>>().toExtend<Remote<Counter> & Disposable & AsyncDisposable>()
  })

  test('in which everything is a promise', async () => {
    const counter = await pin(() => new Counter())
    expectTypeOf(counter.inc).parameters.toEqualTypeOf<[number]>()
    expectTypeOf(counter.inc(1)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(counter.later()).toEqualTypeOf<Promise<string>>()
    expectTypeOf(counter.n).toEqualTypeOf<Promise<number>>()
    await counter.listen(pin.proxy((n: number) => console.log(n)))
    const double = await pin(() => (n: number) => n * 2)
    expectTypeOf(double(1)).toEqualTypeOf<Promise<number>>()
    const Class = await pin(() => Counter)
    expectTypeOf(await new Class()).toExtend<Remote<Counter>>()
  })

  test('checks the arguments of the factory', () => {
    // @ts-expect-error the factory takes a number
    void pin((n: number) => ({ n }), 'x')
    const callback = () => {}
    // @ts-expect-error a function can't be sent
    void pin((f: () => void) => ({ f }), callback)
  })

  test('gives back what it marks', () => {
    const bytes = new Uint8Array(8)
    expectTypeOf(pin.transfer(bytes, [bytes.buffer])).toEqualTypeOf<typeof bytes>()
    expectTypeOf(pin.proxy((n: number) => n > 1)).toExtend<(n: number) => boolean>()
  })
})
