/**
 * One process of the conformance suite: `runner.mjs PLACE [NAME…]` runs the cases that make sense there, or those in whose
 * ids one of the names is, one after another, and
 * prints a line of JSON for each; `runner.mjs --program ID` runs that program. Bundled by conformance.test.ts, because threads load it too.
 */
import { isMainThread } from 'node:worker_threads'
import { go, runtime } from 'goro'
import './cases/index.ts'
import { type Case, caseOnThread, harness, idOf, type Place, programs, suite } from './harness.ts'

export interface Report {
  readonly id: string
  /** What it begins with comes before what it ended with: a process that dies says in which case. */
  readonly state: 'begun' | 'passed' | 'failed'
  readonly error?: string
}

/** Longest that one case may take. */
const LIMIT_MS = 60_000

const report = (line: Report): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function run(each: Case, place: Place): Promise<void> {
  const id = idOf(each)
  const before = runtime.numGoroutine()
  report({ id, state: 'begun' })
  // Not ref'd: it must not look like something that can wake somebody.
  const limit = setTimeout(() => {
    report({ id, state: 'failed', error: 'hangs' })
    runtime.dump()
    process.exit(3)
  }, LIMIT_MS).unref()
  try {
    if (place === 'main' || place === 'main+go') {
      const { t, ended } = harness(place, true)
      await ended(() => each.body(t))
    } else {
      await go(caseOnThread, import.meta.url, place, id)
    }
    const { t } = harness('main')
    const left = place === 'main' || place === 'goroutine' ? 0 : (each.leaves ?? 0)
    await t.until(() => runtime.numGoroutine() <= before + left)
    report({ id, state: 'passed' })
  } catch (error) {
    report({ id, state: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  clearTimeout(limit)
}

async function main([place, ...ids]: string[]): Promise<void> {
  if (place === '--program') {
    const { t, ended } = harness('main+go', true)
    const program = programs.find((each) => idOf(each) === ids[0])
    await ended(() => program!.body(t))
    return
  }
  for (const each of suite) {
    if (ids.length > 0 && !ids.some((name) => idOf(each).includes(name))) continue
    if (each.places === undefined || each.places.includes(place as Place)) await run(each, place as Place)
  }
  // What waits for ever, as some cases leave it, would be a deadlock.
  process.exit()
}

if (isMainThread) await main(process.argv.slice(2))
