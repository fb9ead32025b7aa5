/** Fleets for tests: a folder with a spec, a private tmux socket, stand-in agents and the real command line. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/cli/clock.ts'
import { openIo } from '../../src/cli/io.ts'
import type { runBurn as Run } from '../../src/cli/run.ts'
import { standInFile } from '../stand-ins/files.ts'
import { jsonLines } from './json-lines.ts'
import { privateSocket } from './tmux.ts'

const root = resolve(import.meta.dirname, '../..')
/** The compile cache of Node, shared by all processes of the tests. It makes each command start faster. */
export const compiled = join(root, 'node_modules/.cache/compiled')
const agent = standInFile('hermes')

/** The result of a command. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Parses standard output as JSON. */
  json<T>(): T
}

/** A fleet in a temporary folder. */
export interface Fleet {
  readonly dir: string
  readonly socket: string
  /** Runs `burn` with this fleet's spec and home. */
  burn(...words: readonly string[]): Promise<Ran>
  writeSpec(spec: object): void
  /** Returns each prompt that a stand-in agent received, from its log. */
  received(): { readonly pane: string; readonly text: string; readonly state: string }[]
}

/** Returns the `agent` of a spec: the stand-in, with one log per process. */
export function standIn(dir: string, ...flags: readonly string[]): { kind: 'hermes'; command: string[] } {
  return { kind: 'hermes', command: [process.execPath, agent, '--log', join(dir, 'agents', '%p-%d.jsonl'), ...flags] }
}

/** Creates a temporary folder, which the end of the test removes. */
export function scratch(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'burn-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

/** Creates a fleet. `spec` gets its folder and socket, and returns the spec. */
export function testFleet(t: Pick<TestContext, 'after'>, spec: (dir: string, socket: string) => object): Fleet {
  const dir = scratch(t)
  const socket = privateSocket(t)
  const file = join(dir, 'fleet-spec.json')
  mkdirSync(join(dir, 'agents'))
  mkdirSync(join(dir, 'home'))
  const writeSpec = (written: object) => writeFileSync(file, JSON.stringify(written, null, 2))
  writeSpec(spec(dir, socket))
  return {
    dir,
    socket,
    writeSpec,
    burn: (...words) => burn([...words], { BURN_SPEC: file, HOME: join(dir, 'home') }),
    received: () => receivedIn(join(dir, 'agents')),
  }
}

/** The file of the command `burn`: the bundle, if the test run has built one, else the sources. */
export const command = process.env['BURN_COMMAND'] ?? join(root, 'src/cli/main.ts')
const library = process.env['BURN_COMMAND'] === undefined ? join(root, 'src/cli/run.ts') : join(dirname(command), 'run.mjs')

type Env = Readonly<Record<string, string>>

/** Returns the environment for a command. It takes only PATH from the environment of the test. */
const commandEnv = (env: Env) => ({ PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...env })

/** Options of a command in a test. */
export interface Given {
  /** The standard input of the command. */
  readonly input?: string
  readonly stop?: AbortSignal
  /** If true, standard output is a terminal with colours. */
  readonly terminal?: boolean
  /** Called when a screen takes the terminal: it gets the function that presses keys. */
  readonly onTerminal?: (press: (keys: string) => void) => void
  /** Called with each text on standard output. */
  readonly onOutput?: (text: string) => void
}

/** Runs `burn` in this process, with the given environment, and captures its output. */
export async function burn(words: readonly string[], env: Env, given: Given = {}): Promise<Ran> {
  const { input = '', stop, terminal = false, onTerminal, onOutput } = given
  const { runBurn } = (await import(library)) as { readonly runBurn: typeof Run }
  const printed = { out: '', err: '' }
  const io = openIo({
    out: (text) => {
      printed.out += text
      onOutput?.(text)
    },
    err: (text) => void (printed.err += text),
    input: async () => input,
    random: Math.random,
    ...(terminal ? { terminal: () => ({ width: 120, height: 40 }), colours: true } : {}),
    takeTerminal({ onKeys, restore }) {
      onTerminal?.(onKeys)
      return restore
    },
  })
  const code = await runBurn(words, {
    io,
    clock: systemClock,
    random: Math.random,
    env: commandEnv(env),
    home: env['HOME'] ?? '/nowhere',
    cwd: env['HOME'] ?? root,
    self: [process.execPath, command],
    stop: stop ?? new AbortController().signal,
  })
  return ranOf(code, printed.out, printed.err)
}

/** Runs `burn` in a new process, for tests of signals, pipes and exit codes. */
export function burnProcess(words: readonly string[], env: Env): Promise<Ran> {
  const child = { env: { ...commandEnv(env), NODE_COMPILE_CACHE: compiled }, maxBuffer: 64 * 1024 * 1024, cwd: env['HOME'] }
  return new Promise((done) => {
    execFile(process.execPath, [command, ...words], child, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      done(ranOf(code, out, err))
    })
  })
}

const ranOf = (code: number, out: string, err: string): Ran => ({ code, out, err, json: <T>() => JSON.parse(out) as T })

interface Line {
  readonly event: string
  readonly text?: string
  readonly state?: string
}

/** Returns the prompts in all logs of stand-in agents in a folder. */
export function receivedIn(dir: string): { pane: string; text: string; state: string }[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir).flatMap((name) =>
    jsonLines<Line>(join(dir, name))
      .filter(({ event }) => event === 'received')
      .map(({ text = '', state = '' }) => ({ pane: name, text, state })),
  )
}

/** Polls until `holds` returns true. Throws an error with `what` after `limit` ms, which is long because a test machine may be busy. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 60_000): Promise<void> {
  for (const end = Date.now() + limit; !(await holds()); await sleep(25)) {
    if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}`)
  }
}

/** Writes issues to a folder forge. */
export function writeIssues(
  dir: string,
  repo: string,
  issues: readonly { readonly title: string; readonly body: string; readonly labels?: readonly string[]; readonly author?: string }[],
): void {
  mkdirSync(join(dir, 'issues', repo), { recursive: true })
  issues.forEach(({ title, body, labels = [], author = 'ann' }, index) => {
    const head = { title, labels, author, created: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString() }
    const lines = Object.entries(head).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    writeFileSync(join(dir, 'issues', repo, `${index + 1}.md`), `---\n${lines.join('\n')}\n---\n${body}`)
  })
}
