// poolifier's side of the thread: tasks.mjs and work.mjs by name.
import { ThreadWorker } from 'poolifier'
import * as tasks from '../../tasks.mjs'
import * as work from '../../work.mjs'

export default new ThreadWorker({ ...tasks, ...work })
