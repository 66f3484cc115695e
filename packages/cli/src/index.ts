/**
 * The `goro` command. Exit codes are those of the program that it runs; 1, there is no such file; 2, wrong use.
 */
import { Command, CommanderError } from 'commander'
import { runCommand } from './run.ts'

const WRONG_USE = 2

const goro = new Command('goro').description('Real multi-threaded goroutines for Node.').addCommand(runCommand)

for (const command of [goro, ...goro.commands]) {
  command.exitOverride().showHelpAfterError('(goro --help and goro run --help say what there is)')
}

try {
  await goro.parseAsync()
} catch (error) {
  // Commander has printed it.
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE
}
