/** Runs one command line in this process. It reads nothing of the process itself, so several can run side by side. */
import { Command, CommanderError } from 'commander'
import type { ExitCode } from '../core/errors.ts'
import type { Context, Deps } from './context.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { inSurroundings } from '../host/exec.ts'
import { commands } from './commands/index.ts'
import { version } from './version.ts'

/** Runs `burn` with these words and returns its exit code. Whatever the command opened is closed by then. */
export function runBurn(argv: readonly string[], deps: Deps): Promise<ExitCode> {
  return inSurroundings({ env: deps.env, cwd: deps.cwd }, () => runCommand(argv, deps))
}

async function runCommand(argv: readonly string[], deps: Deps): Promise<ExitCode> {
  const { io } = deps
  let exit: ExitCode = 0
  const notify = ({ level, subject, text }: { level: string; subject: string; text: string }) =>
    io.err(`${io.paint(level === 'info' ? 'gray' : level === 'warn' ? 'yellow' : 'red', subject)}: ${text}`)
  const context: Context = {
    ...deps,
    openSession: async (options) => (await import('./wire.ts')).openSession(options, { ...deps, notify }),
    setExit: (code) => (exit = code),
  }
  try {
    await program(context).parseAsync(argv, { from: 'user' })
    return deps.stop.aborted && exit === 0 ? 3 : exit
  } catch (thrown) {
    return explain(thrown, argv.includes('--json'), context)
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
  for (const command of commands) burn.addCommand(command(context))
  const { io } = context
  for (const each of [burn, ...descendants(burn)]) {
    each.exitOverride()
    each.configureOutput({
      writeOut: (text) => io.write(text),
      writeErr: (text) => io.err(text.replace(/\n$/, '')),
      getOutHelpWidth: () => io.width,
      getErrHelpWidth: () => io.width,
    })
  }
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
