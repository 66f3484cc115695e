// workerpool's side of the thread: tasks.mjs and work.mjs by name.
import workerpool from 'workerpool'
import * as tasks from '../../tasks.mjs'
import * as work from '../../work.mjs'

workerpool.worker({ ...tasks, ...work })
