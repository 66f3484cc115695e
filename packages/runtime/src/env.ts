/** The only file that reads the environment. Read when the runtime starts, not when it is imported. */

/** `GOMAXPROCS`: how many processors run goroutines; undefined if it is unset or empty. */
export function gomaxprocsFromEnv(): string | undefined {
  return process.env.GOMAXPROCS || undefined
}

/** `GORODEBUG`: comma-separated `name=value` switches. */
export function debugFromEnv(): ReadonlyMap<string, string> {
  const switches = new Map<string, string>()
  for (const part of (process.env.GORODEBUG ?? '').split(',')) {
    const [name, value = '1'] = part.split('=', 2) as [string, string?]
    if (name !== '') switches.set(name, value)
  }
  return switches
}

/** `NODE_OPTIONS`, as Node reads it. */
export function nodeOptionsFromEnv(): string {
  return process.env.NODE_OPTIONS ?? ''
}
