#!/usr/bin/env node
/** `burn`: gives the command what it needs of the process, and ends with its exit code. */
import type { ExitCode } from '../core/errors.ts'
import { messageOf } from '../core/errors.ts'
import { systemClock } from './clock.ts'
import { processIo } from './io.ts'
import { runBurn } from './run.ts'

async function main(argv: readonly string[]): Promise<ExitCode> {
  const io = processIo(Math.random)
  const stop = new AbortController()
  let asked = 0
  const interrupt = () => {
    asked += 1
    // A second Ctrl-C means now: every intent is in the ledger before its effect, so the next run goes on from there.
    if (asked > 1) process.exit(130)
    io.err('Finishing what was begun; Ctrl-C again ends at once, and the next run goes on from there.')
    stop.abort()
  }
  // A reader that went away (`burn status | head`) is no error of ours.
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

// Not awaited here: chunks that import this one could not load until it had ended.
void main(process.argv.slice(2)).then((exit) => (process.exitCode = exit))
