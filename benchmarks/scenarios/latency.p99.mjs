// See latency.mjs.

import { contenders as servers } from '../latency.mjs'

export const question =
  'How long do 99 % of the light requests to a web server take at most, if one in ten computes for 50 ms?'
export const unit = 'ms'
export const quick = 0.3

export const contenders = servers('open', 1500, 'p99')
