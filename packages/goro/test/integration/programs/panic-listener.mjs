import { go } from 'goro'

process.on('unhandledRejection', (reason) => console.log(reason.name, reason.message, reason.code))
go(() => {
  throw Object.assign(new TypeError('mine'), { code: 'E_CODE' })
})
