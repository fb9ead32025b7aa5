#!/usr/bin/env node
/** The program `burn`: runs the command line of this process, and exits with its exit code. */
import type { ExitCode } from '../core/errors.ts'
import { messageOf } from '../core/errors.ts'
import { systemClock } from './clock.ts'
import { processIo } from './io.ts'
import { runBurn } from './run.ts'

async function main(argv: readonly string[]): Promise<ExitCode> {
  const io = processIo(Math.random)
  const stop = new AbortController()
  let interrupts = 0
  const interrupt = () => {
    interrupts += 1
    // Exiting at once is safe: burn records each intent in the ledger before it acts, so the next run can continue.
    if (interrupts > 1) process.exit(130)
    io.err('Finishing the current step. Press Ctrl-C again to stop at once; the next run continues the unfinished work.')
    stop.abort()
  }
  // A reader such as `head` may close the pipe early. That is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : io.err(messageOf(error))))
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  try {
    return await runBurn(argv, {
      io,
      clock: systemClock,
      random: Math.random,
      env: process.env,
      home: process.env['HOME'] ?? (await import('node:os')).homedir(),
      cwd: process.cwd(),
      self: [process.execPath, process.argv[1] ?? ''],
      stop: stop.signal,
    })
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

// Do not await here: lazily loaded chunks import this module, and would wait for the end of a top-level await.
void main(process.argv.slice(2)).then((exit) => (process.exitCode = exit))
