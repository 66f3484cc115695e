/**
 * The file that Piscina loads on a new thread. CommonJS, because Piscina tries `require` first: of an ES module that is
 * experimental on some versions of Node, and on 20 the whole process aborts if it ends while a thread is at it. Loading
 * starts here and now, while Piscina still makes the thread ready.
 */
const machine = import('./machine.js')

module.exports = async (task: import('./machine.js').MachineTask): Promise<void> => (await machine).default(task)
