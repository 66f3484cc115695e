/**
 * The import rules of the house (docs/internals, 'The layers'), each with its reason and a planted offender that shows
 * that the rule can fail.
 */
import { type Import, packageOf, type SourceFile } from './tree.ts'

export interface Rule {
  name: string
  reason: string
  /** One line each: the file, the line and what is wrong there. */
  offences(tree: SourceFile[]): string[]
  /** Files that break the rule, and the offences that they are. */
  offender: { files: Record<string, string>; offences: string[] }
}

/** What each package may import of the others. An import goes down, never up and never sideways. */
const BELOW: Record<string, string[]> = {
  memory: [],
  runtime: ['memory'],
  goro: ['runtime', 'memory'],
  model: ['memory'],
  compiler: [],
  cli: ['compiler'],
}

/** What users import of the tools, under goro's name. */
const TOOLS = /^packages\/goro\/src\/(register|register-preempt|vite|rollup|rolldown|esbuild|webpack|rspack)\.ts$/

export const RULES: Rule[] = [
  {
    name: 'imports go down the layers: goro, runtime, memory',
    reason: 'the engine boots alone, and nobody below knows what is built on it',
    offences: (tree) =>
      importsWhere(tree, (file, { specifier }) => {
        const pkg = packageOf(specifier)
        if (pkg === undefined || pkg === file.pkg || BELOW[file.pkg]?.includes(pkg)) return false
        return !(TOOLS.test(file.path) && pkg === 'compiler')
      }),
    offender: {
      files: {
        'packages/memory/src/up.ts': "import { go } from 'goro'\n",
        'packages/runtime/src/up.ts': "// import 'goro' in a comment is none\nexport * from '@goro/compiler/x'\n",
        'packages/runtime/src/down.ts': "import { load } from '@goro/memory'\n",
        'packages/goro/src/vite.ts': "export * from '@goro/compiler/plugin'\n",
        'packages/goro/src/index.ts': "export * from '@goro/compiler/plugin'\n",
        'packages/goro/src/tests-only.ts': "const m = await import('@goro/model')\n",
      },
      offences: [
        "packages/goro/src/index.ts:1 imports '@goro/compiler/plugin'",
        "packages/goro/src/tests-only.ts:1 imports '@goro/model'",
        "packages/memory/src/up.ts:1 imports 'goro'",
        "packages/runtime/src/up.ts:2 imports '@goro/compiler/x'",
      ],
    },
  },
  {
    name: 'no relative import leaves its package',
    reason: 'a published package holds its own files only, and its exports say what others may see of it',
    offences: (tree) =>
      importsWhere(
        tree,
        (file, { specifier, target }) => specifier.startsWith('.') && !target?.startsWith(`packages/${file.pkg}/src/`),
      ),
    offender: {
      files: {
        'packages/runtime/src/deep/out.ts':
          "import '../../../memory/src/atomics.ts'\nimport type { A } from '../in.ts'\n",
      },
      offences: ["packages/runtime/src/deep/out.ts:1 imports '../../../memory/src/atomics.ts'"],
    },
  },
  {
    name: 'Atomics and new SharedArrayBuffer stand in the seam alone',
    reason: 'what bypasses the seam (packages/memory/src/atomics.ts) cannot be explored',
    offences: (tree) =>
      usesOf(
        tree,
        ['Atomics', 'new SharedArrayBuffer'],
        ['packages/memory/src/atomics.ts', 'packages/model/src/seam.ts'],
      ),
    offender: {
      files: {
        'packages/memory/src/atomics.ts': 'export const load = (a: Int32Array) => Atomics.load(a, 0)\n',
        'packages/memory/src/lock.ts':
          "// Atomics.wait is elsewhere\nconst s = 'Atomics.load'\nconst { load } = Atomics\n",
        'packages/runtime/src/sab.ts':
          'const b = new SharedArrayBuffer(8)\nexport const is = b instanceof SharedArrayBuffer\n',
      },
      offences: [
        'packages/memory/src/lock.ts:3 has Atomics',
        'packages/runtime/src/sab.ts:1 has new SharedArrayBuffer',
      ],
    },
  },
  {
    name: 'only threads.ts, machine.ts and the loader know worker threads',
    reason: 'queues, channels and the loop must run in the explorer, where there are no threads',
    offences: (tree) =>
      importsWhere(
        tree,
        (file, { specifier, typeOnly }) =>
          /^(node:)?worker_threads$/.test(specifier) &&
          !typeOnly &&
          ![
            'packages/runtime/src/threads.ts',
            'packages/runtime/src/machine.ts',
            'packages/compiler/src/register.ts',
          ].includes(file.path),
      ),
    offender: {
      files: {
        'packages/runtime/src/threads.ts': "import { Worker } from 'node:worker_threads'\n",
        'packages/runtime/src/steal.ts': "import { threadId } from 'node:worker_threads'\n",
        'packages/runtime/src/park.ts': "import type { MessagePort } from 'node:worker_threads'\n",
        'packages/memory/src/note.ts': "export { Worker } from 'worker_threads'\n",
      },
      offences: [
        "packages/memory/src/note.ts:1 imports 'worker_threads'",
        "packages/runtime/src/steal.ts:1 imports 'node:worker_threads'",
      ],
    },
  },
  {
    name: 'channels, select and semaphores know parking and readying only',
    reason: 'what goroutines wait on must not depend on who runs them (Ms, netpoll, sysmon)',
    offences: (tree) =>
      importsWhere(
        tree,
        (file, { target }) =>
          /^packages\/runtime\/src\/(chan|select|sema)\.ts$/.test(file.path) &&
          /\/(m|machine|threads|netpoll|sysmon|handoff|control)\.ts$/.test(target ?? ''),
      ),
    offender: {
      files: {
        'packages/runtime/src/chan.ts': "import { park } from './park.ts'\nimport { M } from './m.ts'\n",
        'packages/runtime/src/park.ts': "import { M } from './m.ts'\n",
        'packages/runtime/src/m.ts': 'export const M = 1\n',
      },
      offences: ["packages/runtime/src/chan.ts:2 imports './m.ts'"],
    },
  },
  {
    name: 'one file reads the environment',
    reason: 'packages/runtime/src/env.ts is the list of all settings that come from outside',
    // The command hands the environment on to the program, with what its options say.
    offences: (tree) => usesOf(tree, ['process.env'], ['packages/runtime/src/env.ts', 'packages/cli/src/run.ts']),
    offender: {
      files: {
        'packages/runtime/src/env.ts': 'export const debug = process.env.GORODEBUG\n',
        'packages/goro/src/go.ts': 'const n = process.env.GOMAXPROCS\nconst { env } = { env: 1 }\n',
      },
      offences: ['packages/goro/src/go.ts:1 has process.env'],
    },
  },
  {
    name: 'no import cycles',
    reason: 'of two files that need each other neither can be read, tested or started first',
    offences: cycles,
    offender: {
      files: {
        'packages/memory/src/a.ts': "import { b } from './b.ts'\nimport { d } from './d.ts'\n",
        'packages/memory/src/b.ts': "import type { C } from './c.ts'\n",
        'packages/memory/src/c.ts': "export * from './a.ts'\n",
        'packages/memory/src/d.ts': 'export const d = 1\n',
      },
      offences: [
        'packages/memory/src/a.ts → packages/memory/src/b.ts → packages/memory/src/c.ts → packages/memory/src/a.ts',
      ],
    },
  },
]

function importsWhere(tree: SourceFile[], wrong: (file: SourceFile, found: Import) => boolean): string[] {
  return tree.flatMap((file) =>
    file.imports
      .filter((found) => wrong(file, found))
      .map(({ specifier, line }) => `${file.path}:${line} imports '${specifier}'`),
  )
}

function usesOf(tree: SourceFile[], what: string[], except: string[]): string[] {
  return tree
    .filter(({ path }) => !except.includes(path))
    .flatMap((file) =>
      file.uses.filter((use) => what.includes(use.what)).map((use) => `${file.path}:${use.line} has ${use.what}`),
    )
}

/** Every cycle that a walk from each file in turn meets, once, as a path that ends where it begins. */
function cycles(tree: SourceFile[]): string[] {
  const files = new Map(tree.map((file) => [file.path, file]))
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const { target } of files.get(path)?.imports ?? []) {
      if (target !== undefined && files.has(target)) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const path of files.keys()) visit(path, [])
  return found
}
