// The in-thread channel libraries behind one face, so that a scenario says once what it does with them. What they cost is
// their own: the face adds a call. Each loads its library by itself, as the contenders do.

export async function thing() {
  const { channel, select } = await import('@thi.ng/csp')
  return {
    // It has none without a buffer: one value is the least.
    chan: (capacity) => channel(Math.max(1, capacity)),
    send: (ch, value) => ch.write(value),
    recv: (ch) => ch.read(),
    /** Receives from one of them that has something: what came. */
    select: async (channels) => (await select(...channels))[0],
    close: (ch) => ch.close(),
  }
}

export async function medium() {
  const { chan, put, take, any, close } = (await import('medium')).default
  return {
    chan: (capacity) => (capacity === 0 ? chan() : chan(capacity)),
    send: put,
    recv: take,
    select: async (channels) => (await any(...channels))[0],
    close,
  }
}
