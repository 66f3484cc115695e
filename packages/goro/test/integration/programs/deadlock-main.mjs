import { chan } from 'goro'

await chan().recv()
