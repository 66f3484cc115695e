import { go } from 'goro'

const explode = function explode() {
  throw new RangeError('boom')
}

go(explode)
