import { go } from 'goro'

for (let i = 0; i < 200; i++) go((n) => console.log(`line ${String(n).padStart(3, '0')}`), i)
