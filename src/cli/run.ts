/** Runs one command line in this process. It reads and changes no global state of the process, so several command lines can run concurrently. */
import type { ExitCode } from '../core/errors.ts'
import type { Io } from './io.ts'
import { wrap } from './wrap.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { withIsoTimes } from '../core/iso-times.ts'
import { nearest } from '../core/suggest.ts'
import { withProcessContext } from '../host/process-context.ts'
import { entries, deprecatedNames, type Entry } from './catalog.ts'
import { version, type AnyCommand, type Common, type Deps, type OpenSession, type Done, type CommandContext } from './command.ts'
import { commonOptions as common, parseArgs, usage } from './args.ts'

/** Runs `burn` with the arguments `argv`, and returns its exit code. It closes all sessions that the command opened. */
export async function runBurn(argv: readonly string[], deps: Deps): Promise<ExitCode> {
  try {
    return await runWords(argv, deps)
  } catch (thrown) {
    return reportError(thrown, argv.includes('--json'), deps)
  }
}

async function runWords(argv: readonly string[], deps: Deps): Promise<ExitCode> {
  const [first] = argv
  if (first === '--version' || first === '-V') {
    deps.io.out(version)
    return 0
  }
  if (first === '__complete') {
    const { complete } = await import('./complete.ts')
    deps.io.out(...(await complete(argv.slice(1), deps)))
    return 0
  }
  const asksHelp = first === 'help' || argv.slice(0, optionsEnd(argv)).some((word) => word === '--help' || word === '-h')
  const words = first === 'help' ? argv.slice(1) : argv
  const found = find(words, deps)
  if (asksHelp || found === null) return help(words, found, asksHelp, deps)
  const loaded = await found.entry.load()
  const run = async () => {
    const given = parseArgs(found.rest, { ...loaded.args, ...common })
    const exit = await withProcessContext({ env: deps.env, cwd: deps.cwd }, () => runCommand(found.entry.name, loaded, given, deps))
    return deps.stop.aborted && exit === 0 && loaded.endless?.(given) !== true ? 3 : exit
  }
  if (loaded.errorExit === undefined) return run()
  try {
    return await run()
  } catch (thrown) {
    reportError(thrown, argv.includes('--json'), deps)
    return loaded.errorExit
  }
}

function optionsEnd(argv: readonly string[]): number {
  const end = argv.indexOf('--')
  return end < 0 ? argv.length : end
}

/** Returns the command that `argv` begins with, and the words after its name; null if there is no such command. Warns about a deprecated name. */
function find(argv: readonly string[], { io }: Deps): { readonly entry: Entry; readonly rest: readonly string[] } | null {
  const [first = '', second = ''] = argv
  for (const name of [`${first} ${second}`, first]) {
    const newName = deprecatedNames[name]
    const entry = entries.find((each) => each.name === (newName ?? name))
    if (entry === undefined) continue
    if (newName !== undefined)
      io.err(`${io.paint('yellow', 'deprecated:')} burn ${name} is now burn ${newName}. The next release removes the old name.`)
    return { entry, rest: argv.slice(name.split(' ').length) }
  }
  return null
}

async function help(argv: readonly string[], found: { readonly entry: Entry } | null, asked: boolean, { io }: Deps): Promise<ExitCode> {
  const { commandHelp, nounHelp, rootHelp } = await import('./help.ts')
  const [first = '', second = ''] = argv
  if (asked && found === null && argv.includes('--markdown')) {
    const { commandReference } = await import('./command-reference.ts')
    io.write(await commandReference())
    return 0
  }
  const below = entries.filter(({ name }) => name.startsWith(`${found?.entry.name ?? first} `))
  // Help that the user did not request with `--help` is an error message, so it goes to standard error.
  const print = asked ? io.out : io.err
  if (found !== null) {
    const command = await found.entry.load()
    print(...commandHelp(found.entry, command, { common, below }, io))
  } else if (below.length > 0 && (second === '' || second.startsWith('-'))) print(...nounHelp(first, below, io))
  else if (first === '' || (asked && first.startsWith('-'))) print(...rootHelp(common, io))
  else throw unknownCommand(first, second, below)
  return asked ? 0 : 2
}

function unknownCommand(first: string, second: string, below: readonly Entry[]): BurnError {
  const name = below.length > 0 ? `${first} ${second}` : first
  const known = entries.map((each) => each.name)
  const near = nearest(name, below.length > 0 ? known : known.flatMap((each) => [each, each.split(' ')[0] ?? '']))
  const all = below.length > 0 ? `burn ${first} --help lists its commands` : 'burn --help lists the commands'
  return usage(
    first.startsWith('-') ? `unknown option ${first}` : `there is no command ${JSON.stringify(name)}`,
    near === null ? all : `did you mean ${near}?`,
  )
}

async function runCommand(name: string, loaded: AnyCommand, given: Readonly<Record<string, unknown>>, deps: Deps): Promise<ExitCode> {
  const { io, clock } = deps
  // The cast is safe: `given` has the values of `common`, too.
  const own = given as unknown as Common
  const json = own.json ? await jsonPrinter(name, io) : null
  const opened: OpenSession[] = []
  const present = (result: unknown) => loaded.present(result, io, given, clock.now())
  const context: CommandContext = {
    ...deps,
    common: own,
    open: async (output = io) => {
      const { logTo, openSession } = await import('./wire.ts')
      const log = logTo({ ...deps, io: output })
      const wiring = { ...deps, notify: log.say, hide: log.hide }
      const open = await openSession({ ...own, dry_run: given['dry_run'] === true }, wiring)
      opened.push(open)
      return open
    },
    emit: json ?? present,
    person: own.json ? null : io,
  }
  try {
    const outcome: Done<unknown> | ExitCode = await loaded.run(context, given)
    if (typeof outcome === 'number') return outcome
    if (json === null) present(outcome.result)
    else json(outcome.result, io.tty)
    return outcome.exit
  } finally {
    for (const open of opened) await open.close()
  }
}

/**
 * Returns a function that prints results of a command as JSON. Each reason is a sentence, each time is in ISO 8601, and renamed fields have
 * both names.
 */
async function jsonPrinter(command: string, io: Io): Promise<(value: unknown, indented?: boolean) => void> {
  const [{ worded }, { withOldFields }] = await Promise.all([import('../decide/wording.ts'), import('./old-fields.ts')])
  return (value, indented = false) => io.json(withIsoTimes(withOldFields(command, worded(value))), indented)
}

function reportError(thrown: unknown, json: boolean, { io }: Deps): ExitCode {
  if (!(thrown instanceof BurnError)) {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown)
    io.err(...`burn: ${text}`.split('\n'), '  This is a bug in burn. Please report it with the lines above.')
    return 1
  }
  const { code, message, hint, exit } = thrown
  if (json) io.json({ error: { code, message, hint } })
  else {
    const hintLines = hint === '' ? [] : `  ${io.paint('cyan', 'hint:')} ${hint}`.split('\n')
    // A person copies commands from hints, so only the message wraps.
    const lines = `${io.paint('red', 'burn:')} ${message} ${io.paint('gray', `(${code})`)}`.split('\n')
    io.err(...lines.flatMap((line) => wrap(line, io.columns, '  ')), ...hintLines)
  }
  return exit
}
