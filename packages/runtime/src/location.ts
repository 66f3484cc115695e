/**
 * Where things stand in the user's files: where a function is defined, and where goro was called from.
 *
 * The place of a definition is known to V8 alone, and its inspector tells it (`[[FunctionLocation]]`): exactly, also if two
 * files have a function of the same text, and if a loader has changed the text. It names the script by a number; what that
 * number stands for is learned from the scripts on the stack, since most functions are defined where they are given to `go`,
 * and else from the list of all scripts, which is dear: V8 hashes them all for it, once.
 *
 * The session lasts for one question, which may be about many functions. While there is one, console messages are kept for it; and while the debugger is
 * enabled, every promise is slower.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire, findSourceMap, SourceMap } from 'node:module'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A place in the code that runs, as V8 counts it: of a file's URL, or of what V8 calls a script that is no file. */
export interface Place {
  readonly file: string
  /** Both from 0. */
  readonly line: number
  readonly column: number
}

/** A place for people: both numbers from 1. */
export const show = ({ file, line, column }: Place): string => `${file}:${line + 1}:${column + 1}`

export const isFile = (file: string): boolean => file.startsWith('file:')

/** The path of `file`; of a script that is no file, such as `[eval]`, one in the folder that its imports start from. */
export function pathOf(file: string): string {
  return isFile(file) ? fileURLToPath(file) : fileURLToPath(new URL('[eval]', pathToFileURL(`${process.cwd()}/`)))
}

// --- the call site ---------------------------------------------------------------------------------------------------------

/** Folders of goro's own modules, whose frames are no call sites. */
const ownFolders: string[] = [new URL('.', import.meta.url).href]

/** Says that the folder of the module at `url` is goro's own: calls from it are on behalf of its caller. */
export function ownModule(url: string): void {
  ownFolders.push(new URL('.', url).href)
}

export interface CallSite extends Place {
  /** The function that called, if it has a name. */
  readonly caller: string
}

/** The frame that called goro. */
export function callSite(): CallSite {
  // Called by Node itself, as in `setImmediate(go, fn)`, if nothing else is found.
  let site: CallSite = { file: '[eval]', line: 0, column: 0, caller: '' }
  withFrames(callSite, 50, (frames) => {
    for (const frame of frames) {
      const file = urlOf(frame.getFileName() ?? '')
      if (file === '' || file.startsWith('node:') || isOwn(file)) continue
      const line = (frame.getLineNumber() ?? 1) - 1
      const column = (frame.getColumnNumber() ?? 1) - 1
      site = { file, line, column, caller: frame.getFunctionName() ?? '' }
      return
    }
  })
  return site
}

/** The last few frames that led to `below`, as a string that tells one way from another. Takes about 10 µs. */
export function trail(below: CallableFunction): string {
  let key = ''
  withFrames(below, 5, (frames) => {
    for (const frame of frames) key += `${frame.getFileName()}:${frame.getPosition()};`
  })
  return key
}

const isOwn = (file: string): boolean => ownFolders.some((folder) => file.startsWith(folder))

type Frame = NodeJS.CallSite & { getPosition(): number }

/** Calls `look` with the frames below that of `top`, `limit` of them at most. */
function withFrames(top: CallableFunction, limit: number, look: (frames: readonly Frame[]) => void): void {
  const { prepareStackTrace, stackTraceLimit } = Error
  const holder: { stack?: unknown } = {}
  try {
    Error.prepareStackTrace = (_, sites) => look(sites as Frame[])
    Error.stackTraceLimit = limit
    Error.captureStackTrace(holder, top)
    // V8 asks for it at the first read.
    void holder.stack
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Paths as URLs; what is no file, such as `[eval]`, as it is. */
const urlOf = (name: string): string => (isAbsolute(name) ? pathToFileURL(name).href : name)

// --- the definition --------------------------------------------------------------------------------------------------------

/** Where a function is defined: where its text begins, or what V8 takes for that (`Shape.anchor`). */
export interface Definition extends Place {
  readonly of: 'start' | 'anchor'
}

/**
 * Where each of `functions`, whose sources are `texts`, is defined. A function that is in no file counts as defined where goro was
 * called. Most of the time that it takes is for the question, not for each function in it.
 */
export function definitionsOf(functions: readonly object[], texts: readonly string[]): Definition[] {
  const places = askInspector(functions)
  return texts.map((text, i) => {
    const place = places?.[i]
    if (place !== undefined && place.file !== '') return { ...place, of: 'anchor' }
    const site = callSite()
    if (place !== undefined || !isFile(site.file) || !existsSync(pathOf(site.file))) return { ...site, of: 'start' }
    // Without V8's word: where the text stands in the file that called.
    const content = readFileSync(pathOf(site.file), 'utf8')
    const index = content.indexOf(text)
    return { ...site, ...(index < 0 ? {} : lineAndColumn(content, index)), of: 'start' }
  })
}

/** Line and column of an offset, both from 0. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/)
  return { line: before.length - 1, column: (before[before.length - 1] as string).length }
}

type Inspector = typeof import('node:inspector')
type Session = InstanceType<Inspector['Session']>

/** URLs of scripts by their numbers, which are never used twice. */
const scripts = new Map<string, string>()
const ASKED = Symbol.for('goro.asked')
const EXPRESSION = "process[Symbol.for('goro.asked')]"

/** V8's own answers; undefined from a Node that has no inspector, or that does not let us have it. */
function askInspector(functions: readonly object[]): (Place | undefined)[] | undefined {
  const session = connect()
  if (session === undefined) return undefined
  const holder = process as unknown as Record<symbol, unknown>
  holder[ASKED] = functions
  try {
    const list = post(session, 'Runtime.evaluate', { expression: EXPRESSION })?.result.objectId
    const { result: elements } = post(session, 'Runtime.getProperties', { objectId: list, ownProperties: true }) ?? {}
    return functions.map((_, i) => placeOf(session, elements?.find(({ name }) => name === String(i))?.value?.objectId))
  } finally {
    delete holder[ASKED]
    session.disconnect()
  }
}

/** The place of the function that the session knows as `objectId`. */
function placeOf(session: Session, objectId: string | undefined): Place | undefined {
  const { internalProperties } = post(session, 'Runtime.getProperties', { objectId, ownProperties: true }) ?? {}
  const at = internalProperties?.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
    | { scriptId: string; lineNumber: number; columnNumber: number }
    | undefined
  if (at === undefined) return undefined
  if (!scripts.has(at.scriptId)) learnFromStack(session)
  if (!scripts.has(at.scriptId)) learnAll(session)
  const file = scripts.get(at.scriptId)
  return file === undefined ? undefined : { file, line: at.lineNumber, column: at.columnNumber }
}

function connect(): Session | undefined {
  try {
    const { Session } = createRequire(import.meta.url)('node:inspector') as Inspector
    const session = new Session()
    session.connect()
    return session
  } catch (error) {
    // Built without it, or forbidden by the permission model.
    if (/^ERR_(INSPECTOR|ACCESS)_/.test((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

interface Answers {
  'Runtime.evaluate': import('node:inspector').Runtime.EvaluateReturnType
  'Runtime.getProperties': import('node:inspector').Runtime.GetPropertiesReturnType
  'Runtime.enable': object
  'Debugger.enable': object
}

/** Asks this thread's own inspector, which answers before `post` returns. */
function post<M extends keyof Answers>(session: Session, method: M, params?: object): Answers[M] | undefined {
  let answer: Answers[M] | undefined
  session.post(method as string, params, (_, result) => {
    answer = result as Answers[M] | undefined
  })
  return answer
}

/** Learns the scripts on the stack: an error that is thrown while `Runtime` is enabled comes with them. */
function learnFromStack(session: Session): void {
  post(session, 'Runtime.enable')
  const thrown = post(session, 'Runtime.evaluate', { expression: 'throw 0', silent: true })
  for (const { scriptId, url } of thrown?.exceptionDetails?.stackTrace?.callFrames ?? []) learn(scriptId, url)
}

function learnAll(session: Session): void {
  session.on('Debugger.scriptParsed', ({ params }) => {
    learn(params.scriptId, params.url)
    if (params.sourceMapURL?.startsWith('data:')) inlineMaps.set(params.url, params.sourceMapURL)
  })
  post(session, 'Debugger.enable')
}

function learn(scriptId: string, url: string): void {
  scripts.set(scriptId, url)
}

// --- source maps -----------------------------------------------------------------------------------------------------------

/** By script, the source map in its text, as far as all scripts have been learned. */
const inlineMaps = new Map<string, string>()
/** By script, what came of them. */
const parsedMaps = new Map<string, SourceMap | undefined>()

/**
 * The source map of `file`, if the process uses source maps: by Node; or, as vitest does, by a `prepareStackTrace` that knows the
 * maps of scripts that Node did not load. V8 has those that are in the text.
 */
function mapOf(file: string): SourceMap | undefined {
  const map = findSourceMap(file)
  if (map !== undefined || hasOnlyNodes(Error.prepareStackTrace)) return map
  if (!parsedMaps.has(file)) parsedMaps.set(file, inlineMapOf(file))
  return parsedMaps.get(file)
}

/** Whether there is none but Node's own, which knows no maps that Node does not: to ask V8 for all scripts takes 15 ms. */
const hasOnlyNodes = (prepare: typeof Error.prepareStackTrace): boolean =>
  prepare === undefined || prepare.name === 'ErrorPrepareStackTrace'

function inlineMapOf(file: string): SourceMap | undefined {
  const session = connect()
  if (session === undefined) return undefined
  try {
    learnAll(session)
  } finally {
    session.disconnect()
  }
  const [, encoding, data] = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(inlineMaps.get(file) ?? '') ?? []
  if (data === undefined) return undefined
  const text = encoding === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString()
  return new SourceMap(JSON.parse(text))
}

/** The source map of `file`, where the process uses source maps, without the sources themselves. */
export function sourceMapOf(file: string): string | undefined {
  const payload = mapOf(file)?.payload
  return payload === undefined ? undefined : JSON.stringify({ ...payload, sourcesContent: undefined })
}

/** The place in the file that the user wrote, where the process uses source maps. */
export function original(place: Place): Place {
  const { file, line, column } = place
  const entry = mapOf(file)?.findEntry(line, column)
  if (entry === undefined || !('originalSource' in entry)) return { file, line, column }
  const source = urlOf(entry.originalSource)
  // Node has made sources absolute.
  const absolute = isFile(urlOf(file)) ? new URL(source, urlOf(file)).href : source
  return { file: absolute, line: entry.originalLine, column: entry.originalColumn }
}
