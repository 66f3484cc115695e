// workerpool's side of the thread: tasks.mjs by name.
import workerpool from 'workerpool'
import * as tasks from '../../tasks.mjs'

workerpool.worker({ ...tasks })
