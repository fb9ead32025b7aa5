#!/usr/bin/env node
/** `burn`: reads the command line, runs one command, and ends with its exit code. In a thread of its own it simulates a night. */
import { homedir } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { Command, CommanderError } from 'commander'
import type { ExitCode } from '../core/errors.ts'
import type { Context } from './context.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { systemClock } from './clock.ts'
import { commands } from './commands/index.ts'
import { processIo } from './io.ts'
import { version } from './version.ts'

/** Runs the command line and returns its exit code. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const io = processIo()
  const stop = new AbortController()
  let exit: ExitCode = 0
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
  const wiring = {
    clock: systemClock,
    env: process.env,
    home: process.env['HOME'] ?? homedir(),
    cwd: process.cwd(),
    self: [process.execPath, process.argv[1] ?? ''],
    notify: ({ level, subject, text }: { level: string; subject: string; text: string }) =>
      io.err(`${io.paint(level === 'info' ? 'gray' : level === 'warn' ? 'yellow' : 'red', subject)}: ${text}`),
  }
  const context: Context = {
    ...wiring,
    io,
    stop: stop.signal,
    openSession: async (options) => (await import('./wire.ts')).openSession(options, wiring),
    setExit: (code) => (exit = code),
  }
  try {
    await program(context).parseAsync(argv, { from: 'user' })
    return stop.signal.aborted && exit === 0 ? 3 : exit
  } catch (thrown) {
    return explain(thrown, argv.includes('--json'), context)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

function program(context: Context): Command {
  const burn = new Command('burn')
    .description("Turns a forge's backlog into work on a fleet of coding agents in tmux panes on machines you own.")
    .version(version)
    .showHelpAfterError('(burn --help says what there is)')
    .addHelpText(
      'after',
      '\nStart with: burn spec check, burn doctor, burn up, burn christen, burn dispatch --dry-run, burn dispatch, burn status\nExit codes: 0 done, 1 failed, 2 usage or spec, 3 done in part.',
    )
    .exitOverride()
  for (const command of commands) burn.addCommand(command(context))
  for (const each of [burn, ...descendants(burn)]) each.exitOverride()
  return burn
}

function descendants(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...descendants(child)])
}

function explain(thrown: unknown, json: boolean, { io }: Context): ExitCode {
  // Commander has said it already: help was shown, or usage was wrong.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2
  if (thrown instanceof BurnError) {
    if (json) io.out(JSON.stringify({ error: { code: thrown.code, message: thrown.message, hint: thrown.hint } }))
    else
      io.err(`${io.paint('red', 'burn:')} ${thrown.message}${thrown.hint === '' ? '' : `\n  ${io.paint('cyan', 'hint:')} ${thrown.hint}`}`)
    return thrown.exit
  }
  io.err(
    `burn: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)}\n  This is a mistake in burn; please report it with the lines above.`,
  )
  return 1
}

if (isMainThread) process.exitCode = await main(process.argv.slice(2))
else await (await import('../simulate/thread.ts')).simulateHere()
