import { go } from 'goro'

const g = go(() => {
  throw new Error('boom')
})
g.catch((error) => console.log('caught', error.message))
