import { go } from 'goro'

go(() => {
  throw 'just text'
})
