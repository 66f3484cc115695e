/**
 * The suites, each runnable alone (`npx vitest run --project NAME`):
 *
 *   unit         one source file at a time, from source
 *   explorer     every interleaving of the shared structures: source too, with the seam swapped for the explorer's
 *   integration  the built packages, as users get them, on real threads; a process of its own for every file
 *   conformance  Go's semantics, case by case, in every placement; GORO_CONFORMANCE_RUNS says how often (default 1)
 *   stress       races hunted on real threads; GORO_STRESS_RUNS says how often (default 1)
 *   examples     every program of docs/examples, run as a user runs it, and every benchmark, once
 *   rules        how the house is built: imports, exports, formatting, the lockfile
 *   types        what has to compile and what must not
 */
import goro from 'goro/vite'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'

const SECOND = 1000

/** What takes both cores runs after the rest, one file at a time and in this order. */
const ALONE = { integration: 1, conformance: 2, stress: 3, examples: 4 }

/** How often the conformance suite is run: its time limit grows with it. */
const CONFORMANCE_RUNS = Number(process.env.GORO_CONFORMANCE_RUNS ?? 1)

/** Vite's own conditions for Node, which a list of conditions replaces. */
const NODE_CONDITIONS = ['module', 'node', 'development|production']

/** From source: workspace packages resolve to their `src`, by the conditions that their `exports` name. */
function fromSource(name: string, conditions: string[]): TestProjectConfiguration {
  const resolve = { conditions: [...conditions, ...NODE_CONDITIONS] }
  // Of a machine with a busy neighbour, not of the code, a test here can only take long.
  const test = { name, include: [`packages/*/test/${name}/**/*.test.ts`], testTimeout: 120 * SECOND }
  return { resolve, ssr: { resolve }, test }
}

/**
 * As built: what is in `dist` is left to Node, so that threads and the test run the same modules. The tests are compiled, as those
 * of a user are: their goroutines are closures.
 */
function fromDist(name: keyof typeof ALONE, timeout: number): TestProjectConfiguration {
  return {
    plugins: [goro()],
    test: {
      name,
      include: [`packages/*/test/${name}/**/*.test.ts`],
      server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
      pool: 'forks',
      maxWorkers: 1,
      sequence: { groupOrder: ALONE[name] },
      testTimeout: timeout,
      hookTimeout: timeout,
    },
  }
}

export default defineConfig({
  test: {
    // The suites fill up one after another: one that has no tests yet is fine, none at all is not (.ci/run counts).
    passWithNoTests: true,
    projects: [
      fromSource('unit', ['source']),
      fromSource('explorer', ['explorer', 'source']),
      fromDist('integration', 30 * SECOND),
      fromDist('conformance', CONFORMANCE_RUNS * 300 * SECOND),
      fromDist('stress', 600 * SECOND),
      fromDist('examples', 120 * SECOND),
      { test: { name: 'rules', include: ['packages/*/test/rules/**/*.test.ts'], testTimeout: 60 * SECOND } },
      {
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['packages/*/test/types/**/*.test-d.ts'],
            tsconfig: 'tsconfig.tests.json',
            // The rules' own run of tsc reports those, by file.
            ignoreSourceErrors: true,
          },
        },
      },
    ],
  },
})
