// See latency.mjs.

import { contenders as servers } from '../latency.mjs'

export const question = 'How long does the median light request to a web server take, if one in ten computes for 50 ms?'
export const unit = 'ms'
export const quick = 0.3

export const contenders = servers('open', 1500, 'p50')
