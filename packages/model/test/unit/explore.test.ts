/** The explorer itself: that it covers every interleaving, finds the textbook bugs, and says how to see one again. */
import { describe, expect, it } from 'vitest'
import { type Exploration, ExploreFailure, explore, outlive, sleepUntilWoken, turnEventLoop } from '../../src/index.ts'
import {
  add,
  bytes,
  cas,
  exchange,
  load,
  NULL,
  notify,
  pause,
  read,
  store,
  wait,
  waitAsync,
  words,
  write,
  writeBytes,
  writeF64,
} from '../../src/seam.ts'

const X = 2
const Y = 4
const Z = 6

function failureOf(exploration: Omit<Exploration, 'words'>): ExploreFailure {
  try {
    explore({ words: 64, ...exploration })
  } catch (error) {
    if (error instanceof ExploreFailure) return error
    throw error
  }
  throw new Error('the explorer found nothing')
}

/** Every end that an exploration has, as text. */
function endsOf(exploration: Omit<Exploration, 'words' | 'after'>): string[] {
  const ends = new Set<string>()
  explore({ words: 64, ...exploration, after: (results) => ends.add(JSON.stringify([...results, load(X)])) })
  return [...ends].sort()
}

describe('coverage', () => {
  const loads = (n: number) => () => {
    for (let i = 0; i < n; i++) load(X)
  }

  // 4!/(2! 2!), 6!/(2! 2! 2!) and so on; with bounds, written out by hand: for two threads of two steps the schedules are
  // 0011 1100 | 0110 1001 | 0101 1010, where a switch from a thread that has ended is none.
  it.each([
    { threads: [2, 2], bound: undefined, executions: 6 },
    { threads: [2, 2], bound: 0, executions: 2 },
    { threads: [2, 2], bound: 1, executions: 4 },
    { threads: [2, 2], bound: 2, executions: 6 },
    { threads: [1, 2], bound: undefined, executions: 3 },
    { threads: [0, 2], bound: undefined, executions: 1 },
    { threads: [2, 2, 2], bound: undefined, executions: 90 },
    { threads: [2, 2, 2], bound: 0, executions: 6 },
    { threads: [10, 10], bound: undefined, executions: 184_756 },
    { threads: [5, 5, 5], bound: undefined, executions: 756_756 },
  ])('$threads steps with at most $bound preemptions make $executions schedules', ({ threads, bound, executions }) => {
    expect(explore({ words: 8, threads: threads.map(loads), maxPreemptions: bound }).executions).toBe(executions)
  })

  it('meets every end that the schedules have', () => {
    const threads = [() => [exchange(X, 1), exchange(X, 2)], () => [exchange(X, 3), exchange(X, 4)]]
    expect(endsOf({ threads })).toEqual([
      '[[0,1],[2,3],4]', // 1 2 3 4
      '[[0,3],[1,2],4]', // 1 3 2 4
      '[[0,4],[1,3],2]', // 1 3 4 2
      '[[3,1],[0,2],4]', // 3 1 2 4
      '[[3,4],[0,1],2]', // 3 1 4 2
      '[[4,1],[0,3],2]', // 3 4 1 2
    ])
  })

  it('does every call as the real ones do', () => {
    const all = () => [
      words(),
      add(X, 2 ** 31),
      add(X, 2 ** 31),
      exchange(X, 2 ** 32 + 5),
      cas(X, 2 ** 32 + 5, 6),
      cas(X, 5, 7),
      load(X),
      [...bytes(X, 4)],
    ]
    const ends: unknown[] = []
    explore({ words: 8, threads: [all], after: ([result]) => ends.push(result) })
    expect(ends).toEqual([[8, 0, -(2 ** 31), 0, 5, 6, 6, [6, 0, 0, 0]]])
  })
})

describe('textbook bugs', () => {
  const increment = () => store(X, load(X) + 1)
  const both = () => expect(load(X)).toBe(2)

  it('finds the lost update of an increment in two steps', () => {
    expect(failureOf({ threads: [increment, increment], after: both }).schedule).toBe('T0 T1*2 T0')
  })

  it('passes the increment in one step', () => {
    expect(explore({ words: 8, threads: [() => add(X, 1), () => add(X, 1)], after: both }).executions).toBe(2)
  })

  it('needs the preemption that a bug takes', () => {
    const exploration = { words: 8, threads: [increment, increment], after: both }
    expect(explore({ ...exploration, maxPreemptions: 0 }).executions).toBe(2)
    expect(() => explore({ ...exploration, maxPreemptions: 1 })).toThrow(ExploreFailure)
  })

  const WORK = X
  const SLEEPS = Y
  const submit = () => {
    store(WORK, 1)
    if (load(SLEEPS) === 1) {
      store(SLEEPS, 0)
      notify(SLEEPS, 1)
    }
  }

  it('finds the wake-up lost by who looks for work before it announces its sleep', () => {
    const sleeper = () => {
      if (load(WORK) === 1) return
      store(SLEEPS, 1)
      wait(SLEEPS, 1)
    }
    const failure = failureOf({ threads: [sleeper, submit] })
    expect(failure.message).toMatch(/^deadlock or lost wake-up: T0 sleeps for ever in wait \[4\] while 1\n/)
    expect(failure.schedule).toBe('T0 T1*2 T0*2')
  })

  it('passes who looks again', () => {
    const sleeper = () => {
      store(SLEEPS, 1)
      if (load(WORK) === 0) wait(SLEEPS, 1)
    }
    expect(explore({ words: 8, threads: [sleeper, submit] }).executions).toBeGreaterThan(1)
  })

  const HEAD = X
  const [A, B] = [10, 20]
  /** A stack of A over B, linked by their first words. */
  const stack = () => {
    write(HEAD, A)
    write(A, B)
  }
  const pop = () => {
    for (;;) {
      const head = load(HEAD)
      if (head === NULL || cas(HEAD, head, load(head)) === head) return head
    }
  }
  const push = (item: number) => {
    for (;;) {
      const head = load(HEAD)
      store(item, head)
      if (cas(HEAD, head, item) === head) return
    }
  }

  it('finds the ABA of a stack whose items come back', () => {
    const popTwoPushOne = () => {
      const first = pop()
      const second = pop()
      if (first !== NULL) push(first)
      return second
    }
    const noItemTwice: Exploration['after'] = ([taken, kept]) => {
      const all = [taken, kept]
      for (let item = load(HEAD); item !== NULL; item = load(item)) all.push(item)
      const items = all.filter((item) => item !== NULL)
      expect(new Set(items).size).toBe(items.length)
    }
    const threads = [pop, popTwoPushOne]
    expect(failureOf({ setup: stack, threads, after: noItemTwice }).message).toContain('cas [2] 10 => 20')
    expect(() => explore({ words: 64, setup: stack, threads: [pop, pop], after: noItemTwice })).not.toThrow()
  })
})

describe('races', () => {
  const publish = (publication: () => void) => [
    () => {
      write(X, 7)
      publication()
    },
    () => (load(Y) === 1 ? read(X) : -1),
  ]

  it('finds a plain write that nothing publishes', () => {
    expect(failureOf({ threads: publish(() => write(Z, 1)).with(1, () => read(X)) }).message).toMatch(
      /^data race on \[2\]: nothing orders T1's plain read after T0's plain write\n/,
    )
  })

  it.each([
    ['store', () => store(Y, 1)],
    ['cas', () => cas(Y, 0, 1)],
    ['exchange', () => exchange(Y, 1)],
    ['add', () => add(Y, 1)],
  ])('passes a plain write that a %s publishes', (_, publication) => {
    expect(endsOf({ threads: publish(publication) })).toEqual(['[null,-1,7]', '[null,7,7]'])
  })

  it('finds a plain write after what should publish it', () => {
    const threads = publish(() => store(Y, 1)).with(0, () => {
      store(Y, 1)
      write(X, 7)
    })
    expect(failureOf({ threads }).message).toContain('data race on [2]')
  })

  it('takes a failed cas for no publication', () => {
    const publisher = () => {
      write(X, 7)
      cas(Y, 5, 6)
    }
    const reader = () => (load(Y) === 0 ? read(X) : -1)
    expect(failureOf({ threads: [publisher, reader] }).message).toContain('data race on [2]')
  })

  it('finds that a store of a third thread ends what was published by the word', () => {
    const third = () => {
      if (load(Y) === 1) store(Y, 2)
    }
    const reader = () => (load(Y) === 2 ? read(X) : -1)
    expect(() => explore({ words: 8, threads: [...publish(() => store(Y, 1)).with(1, third), reader] })).not.toThrow()
    const blind = () => store(Y, 2)
    expect(failureOf({ threads: [...publish(() => store(Y, 1)).with(1, blind), reader] }).message).toContain(
      'data race',
    )
  })

  it('carries what was published through a read-modify-write of a third thread', () => {
    const reader = () => (load(Y) === 3 ? read(X) : -1)
    const threads = [...publish(() => add(Y, 1)).with(1, () => add(Y, 2)), reader]
    expect(() => explore({ words: 8, threads })).not.toThrow()
  })

  it('finds plain and atomic accesses of one word that nothing orders', () => {
    expect(failureOf({ threads: [() => write(X, 1), () => load(X)] }).message).toContain('data race on [2]')
    expect(failureOf({ threads: [() => read(X), () => store(X, 1)] }).message).toContain('data race on [2]')
    expect(() => explore({ words: 8, threads: [() => read(X), () => load(X)] })).not.toThrow()
  })

  it('checks every word of doubles and bytes', () => {
    expect(failureOf({ threads: [() => writeF64(X, 1.5), () => read(X + 1)] }).message).toContain('data race on [3]')
    const threads = [() => writeBytes(X, Uint8Array.of(1, 2, 3, 4, 5)), () => bytes(X + 1, 1)]
    expect(failureOf({ threads }).message).toContain('data race on [3]')
  })

  it('makes a scheduling point of each plain access that may race', () => {
    const threads = [() => write(X, 1), () => [read(X), read(X)]]
    expect(endsOf({ threads, racy: [{ from: X, to: X + 1 }] })).toEqual([
      '[null,[0,0],1]',
      '[null,[0,1],1]',
      '[null,[1,1],1]',
    ])
  })

  describe('speculative reads', () => {
    const speculative = [{ from: X, to: X + 1, by: Y }]
    const reader = () => {
      const version = load(Y)
      const value = read(X)
      return cas(Y, version, version) === version ? value : -1
    }
    const writer = (first: () => void, then: () => void) => () => {
      first()
      then()
    }
    const change = () => write(X, 7)
    const version = () => store(Y, 1)

    it('may race when the cas that validates them fails', () => {
      expect(failureOf({ threads: [writer(version, change), reader], speculative }).message).toContain(
        'data race on [2]',
      )
      const once = () => {
        if (load(Y) === 0) return -1
        const value = read(X)
        return cas(Y, 1, 2) === 1 ? value : -1
      }
      const reuse = () => {
        write(X, 7)
        store(Y, 1)
        if (cas(Y, 1, 3) === 1) write(X, 8)
      }
      expect(endsOf({ threads: [reuse, once], speculative })).toEqual(['[null,-1,8]', '[null,7,7]'])
      expect(failureOf({ threads: [reuse, once] }).message).toContain('data race on [2]')
    })

    it('may not race when it succeeds, nor when there is none', () => {
      const failure = failureOf({ threads: [writer(change, () => load(Y)), reader], speculative })
      expect(failure.message).toContain("and T1's cas of [4] succeeded")
      expect(failureOf({ threads: [change, () => read(X)], speculative }).message).toContain(
        'no cas of [4] validated it',
      )
    })
  })
})

describe('waiting', () => {
  it('wakes as many as notify says, in the order in which they came', () => {
    const sleeper = () => {
      wait(X, 0)
      return add(Y, 1)
    }
    const waker = () => {
      notify(X, 1)
      notify(X)
    }
    const failure = failureOf({ threads: [sleeper, sleeper, waker] })
    expect(failure.message).toContain('sleeps for ever')
    const late = explore({ words: 8, threads: [sleeper, sleeper, waker], allowAsleep: [0, 1] })
    expect(late.executions).toBeGreaterThan(10)
  })

  it('returns at once from a wait for a value that has passed', () => {
    expect(endsOf({ threads: [() => store(X, 1), () => wait(X, 0)], allowAsleep: [1] })).toEqual(['[null,null,1]'])
    expect(() => explore({ words: 8, threads: [() => wait(X, 1)] })).not.toThrow()
  })

  it('finds who does not look again after an early return, if there are any', () => {
    const once = () => {
      if (load(X) === 0) wait(X, 0)
      return load(X)
    }
    const again = () => {
      while (load(X) === 0) wait(X, 0)
      return load(X)
    }
    const waker = () => {
      store(X, 1)
      notify(X)
    }
    expect(endsOf({ threads: [once, waker] })).toEqual(['[1,null,1]'])
    expect(endsOf({ threads: [once, waker], earlyReturns: 1 })).toEqual(['[0,null,1]', '[1,null,1]'])
    expect(endsOf({ threads: [again, waker], earlyReturns: 3 })).toEqual(['[1,null,1]'])
  })

  it('lets time pass when nothing else can happen', () => {
    expect(() => explore({ words: 8, threads: [() => wait(X, 0, 10)] })).not.toThrow()
  })

  it('blocks a thread in its event loop until its waitAsync is notified', () => {
    const sleeper = () => {
      let woken = 0
      if (!waitAsync(X, 0, () => woken++)) return 'work'
      sleepUntilWoken()
      return woken
    }
    const waker = () => {
      store(X, 1)
      notify(X)
    }
    expect(endsOf({ threads: [sleeper, waker] })).toEqual(['["work",null,1]', '[1,null,1]'])
    expect(failureOf({ threads: [sleeper, () => notify(X)] }).message).toContain('T0 sleeps for ever in its event loop')
  })

  it('runs the callbacks that are due in a turn of the event loop, each once', () => {
    const sleeper = () => {
      let woken = 0
      waitAsync(X, 0, () => woken++)
      turnEventLoop()
      const early = woken
      sleepUntilWoken()
      return [early, woken]
    }
    expect(failureOf({ threads: [sleeper, () => notify(X)] }).message).toContain('sleeps for ever in its event loop')
    expect(endsOf({ threads: [sleeper, () => notify(X)], allowAsleep: [0] })).toEqual([
      '[[0,1],null,0]',
      '[null,null,0]',
    ])
  })

  it('explores a spin loop finitely', () => {
    const spinner = () => {
      while (load(X) === 0) pause()
      return read(Y)
    }
    const releaser = () => {
      write(Y, 5)
      store(X, 1)
    }
    expect(endsOf({ threads: [spinner, releaser] })).toEqual(['[5,null,1]'])
    expect(endsOf({ threads: [spinner, spinner, releaser] })).toEqual(['[5,5,null,1]'])
    expect(failureOf({ threads: [spinner, () => store(Z, 1)] }).message).toMatch(
      /^livelock: T0 spins for ever at load \[2\]/,
    )
  })

  it('takes a bounded spin loop both ways: to its end, and out by what another thread writes', () => {
    const spinner = () => {
      let spins = 0
      while (spins < 50 && load(X) === 0) {
        pause()
        spins++
      }
      return spins < 50 ? 'seen' : load(X)
    }
    expect(endsOf({ threads: [spinner, () => store(X, 1)] })).toEqual(['["seen",null,1]', '[0,null,1]', '[1,null,1]'])
  })

  it('finds two threads that keep each other busy for ever', () => {
    const polite = (mine: number, other: number) => () => {
      for (;;) {
        store(mine, 1)
        if (load(other) === 0) return
        store(mine, 0)
      }
    }
    const failure = failureOf({ threads: [polite(X, Y), polite(Y, X)], maxSteps: 60 })
    expect(failure.message).toMatch(/^livelock: still running after 60 steps/)
  })
})

describe('death', () => {
  it('comes between any two calls of a mortal thread, and its undertaker is told', () => {
    const mortal = () => {
      write(X, 1)
      write(Y, 1)
    }
    const undertaker = () => [outlive(0), read(X), read(Y)]
    expect(endsOf({ threads: [mortal, undertaker], mortal: [0] })).toEqual([
      '[null,[false,1,1],1]',
      '[null,[true,0,0],0]',
      '[null,[true,1,0],1]',
    ])
  })
})

describe('failures', () => {
  const increment = () => store(X, load(X) + 1)
  const lostUpdate = {
    words: 8,
    threads: [increment, increment],
    names: [{ name: 'counter', base: X, layout: { value: 0, SIZE: 1 } }],
    after: () => {
      if (load(X) !== 2) throw new Error('an increment is lost')
    },
  }

  it('print the schedule in lines, with names, and how to run it again', () => {
    expect(failureOf(lostUpdate).message).toBe(
      [
        'an increment is lost',
        '',
        '    1  T0  load counter.value -> 0',
        '    2  T1  load counter.value -> 0',
        '    3  T1  store counter.value = 1',
        '    4  T0  store counter.value = 1',
        '',
        "To run this schedule alone: explore({ ..., replay: 'T0 T1*2 T0' })",
      ].join('\n'),
    )
  })

  it('come back when their schedule is replayed, and only then', () => {
    const found = failureOf(lostUpdate)
    const again = failureOf({ ...lostUpdate, replay: found.schedule })
    expect(again.message).toBe(found.message)
    expect(again.cause).toEqual(new Error('an increment is lost'))
    expect(explore({ ...lostUpdate, replay: 'T0*2 T1*2' })).toEqual({ executions: 1, steps: 4, states: 5 })
    expect(explore({ ...lostUpdate, replay: '' }).executions).toBe(1)
  })

  it('refuse a schedule that does not fit', () => {
    expect(() => explore({ ...lostUpdate, replay: 'T0*3' })).toThrow('T0 cannot be step 3')
    expect(() => explore({ ...lostUpdate, replay: 'T0 T7' })).toThrow('T7 cannot be step 2')
    expect(() => explore({ ...lostUpdate, replay: 'first' })).toThrow(SyntaxError)
  })

  it('have as few preemptions as can be', () => {
    const threads = [
      () => {
        for (let i = 0; i < 4; i++) add(Y, 1)
        increment()
      },
      increment,
    ]
    expect(failureOf({ ...lostUpdate, threads }).schedule).toBe('T0*5 T1*2 T0')
  })

  it('carry what a thread threw', () => {
    const failure = failureOf({
      threads: [
        () => {
          if (exchange(X, 1) === 1) throw new TypeError('second')
        },
        () => store(X, 1),
      ],
    })
    expect(failure.cause).toBeInstanceOf(TypeError)
    expect(failure.schedule).toBe('T1 T0')
  })

  it('end a loop that has no atomic call in it', () => {
    const follow = () => {
      for (let at = X; at !== NULL; at = read(at));
    }
    const circle = () => {
      write(X, Y)
      write(Y, X)
    }
    expect(failureOf({ setup: circle, threads: [follow] }).message).toMatch(/^T0 goes round for ever, at read \[/)
    expect(failureOf({ setup: circle, threads: [], after: follow }).message).toContain(
      'setup or after goes round for ever',
    )
  })

  it('say when a test is not one that can be explored', () => {
    let runs = 0
    expect(failureOf({ threads: [() => [load(++runs), load(X)]] }).message).toContain('must do the same each time')
    const catches = () => {
      try {
        load(X)
      } catch {
        return
      }
    }
    expect(failureOf({ threads: [catches] }).message).toContain('a catch must rethrow what it does not know')
    const writesToCopy = () => {
      bytes(X, 4)[0] = 1
      load(X)
    }
    expect(failureOf({ threads: [writesToCopy] }).message).toContain('write with writeBytes()')
    expect(failureOf({ threads: [() => load(NULL)] }).message).toContain('address 0 is outside')
    expect(failureOf({ threads: [() => load(64)] }).message).toContain('address 64 is outside')
    expect(failureOf({ threads: [() => writeF64(X + 1, 1)] }).message).toContain('a double at the odd address')
    expect(() => load(X)).toThrow('runs inside explore()')
    expect(() => explore({ words: 8, setup: () => wait(X, 0), threads: [] })).toThrow('would never end')
    expect(() => explore({ words: 2 ** 20, threads: [] })).toThrow(RangeError)
  })

  it('keep results from being changed: other executions share them', () => {
    const after = ([list]: readonly unknown[]) => (list as number[]).sort()
    expect(() => explore({ words: 8, threads: [() => [load(X), 0]], after })).toThrow('read only property')
  })
})
