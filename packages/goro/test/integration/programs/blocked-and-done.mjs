import { chan, go } from 'goro'

void go(async (ch) => ch.recv(), chan())
console.log('main ends')
