// See latency.mjs.

import { contenders as servers } from '../latency.mjs'

export const question = 'How many light requests a second does a web server answer, if one in ten computes for 50 ms?'
export const unit = 'requests/s'
export const quick = 0.5
/** Of these figures the largest is the best. */
export const more = true

export const contenders = servers('closed', 1500, 'rps')
