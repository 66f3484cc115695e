// For bad-start.mjs: preloaded in each thread, of which only the first starts.
import { threadId } from 'node:worker_threads'

if (threadId > 1) throw new Error(`no start for thread ${threadId}`)
