// npm run side-by-side
//
// Writes side-by-side.md: the classic programs of examples/ beside their Go originals, without their comments.

import { readFileSync, writeFileSync } from 'node:fs'

const PROGRAMS = {
  scheduler: 'The scheduler',
  'web-server': 'Web server',
  'producer-consumer': 'Producer and consumer',
  'prime-sieve': 'Prime sieve',
  pipeline: 'Pipeline with cancellation',
  'worker-pool': 'Worker pool',
  fan: 'Fan-out, fan-in',
  philosophers: 'Dining philosophers',
  leak: 'A leak, and its fix',
  deadlock: 'Deadlock',
}

const HEAD = `# Side by side

Go's classic programs, in Go and with goro. Each is a file that you can run: \`npx goro run docs/examples/NAME.ts\`, and \`go run ./NAME\`
in \`docs/examples/go\`. Their tests compare what both print.
`

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** The text of the page. */
export function page(): string {
  return [HEAD, ...Object.entries(PROGRAMS).map(([name, title]) => section(name, title))].join('\n')
}

function section(name: string, title: string): string {
  const [go, goro] = [`examples/go/${name}/main.go`, `examples/${name}.ts`]
  return `## ${title}

<table>
<tr><th align="left">

[Go](${go})

</th><th align="left">

[goro](${goro})

</th></tr>
<tr><td valign="top">

${block('go', go)}

</td><td valign="top">

${block('ts', goro)}

</td></tr>
</table>
`
}

/** A file without its comments, which in the examples stand on lines of their own. */
function block(language: string, path: string): string {
  const code = read(path).replace(/^\s*\/\/.*\n/gm, '')
  return `\`\`\`${language}\n${code.trim()}\n\`\`\``
}

if (process.argv[1] === import.meta.filename) writeFileSync(new URL('side-by-side.md', import.meta.url), page())
