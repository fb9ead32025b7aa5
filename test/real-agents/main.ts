/**
 * `npm run test:agents [kind…]` checks real agent programs. It installs them from their registries into this person's cache, and points
 * them at a model server on loopback. burn's own code drives them. It checks that burn reads each screen and each failed turn correctly,
 * and that every text arrives whole and once. No file that an issue names may reach the model. The recorded tokens must be those that the
 * server reported; with `--only-usage`, nothing else is checked. It is not a part of `npm test`. Each program has a process of its own, so
 * that one that crashes or hangs is a row in the table. The newest version of each registry is checked, too. The exit code is 1 if a pinned
 * version that ran failed a check.
 */
import { fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import type { Column, Tally, Verdict } from './verdict.ts'
import { messageOf } from '../../src/core/errors.ts'
import { table } from '../../src/cli/table.ts'
import { mapConcurrently } from '../../src/core/concurrency.ts'
import { endServer } from '../support/tmux.ts'
import { install, newestVersion } from './install.ts'
import { inVersion, programs, type Program } from './programs.ts'

/** A program to check, and the index of its pinned version in `programs`. */
interface Chosen {
  readonly program: Program
  readonly index: number
}

/** The time limit for the check of one program (ms). */
const timeout = 20 * 60_000

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'burn-fleet/agents')

const onlyUsage = process.argv.includes('--only-usage')
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

/**
 * Checks a program in a process with a new home. The home is below the cache: below /tmp, Codex starts no sandbox and Gemini reads no
 * system settings.
 */
async function checkApart({ program, index }: Chosen): Promise<Verdict> {
  const root = mkdtempSync(join(cache, 'check-'))
  const version = program.packaged.slice(program.packaged.lastIndexOf('@') + 1)
  const socket = `burn-agents-${process.pid}-${index}${program.newest === true ? 'n' : ''}`
  const home = join(root, 'home')
  mkdirSync(home)
  let verdict: Verdict = { ready_ms: 0, tallies: {}, proofs: '', wrong: [] }
  const began = performance.now()
  const child = fork(join(import.meta.dirname, 'one.ts'), [String(index), version, cache, root, socket, onlyUsage ? 'usage' : 'all'], {
    env: {
      ...process.env,
      HOME: home,
      XDG_CONFIG_HOME: undefined,
      XDG_STATE_HOME: undefined,
      XDG_DATA_HOME: undefined,
      XDG_CACHE_HOME: undefined,
    },
    timeout,
    signal: stop.signal,
  })
  child.on('error', () => {})
  child.on('message', (message) => (verdict = message as Verdict))
  const [code, signal] = await new Promise<[number | null, string | null]>((done) => child.once('exit', (...how) => done(how)))
  endServer(socket)
  await discard(root)
  const seconds = Math.round((performance.now() - began) / 1000)
  if (code !== 0) verdict.wrong.push(`its check ended with ${signal ?? `code ${code}`} after ${seconds} s`)
  return verdict
}

/** Ends processes that an agent left running (Gemini's child outlives its pane), and removes its folder. If it can't, the run goes on. */
async function discard(root: string): Promise<void> {
  for (const pid of existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(`${root}/`)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // The process has ended, or belongs to somebody else.
    }
  }
  await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 }).catch((thrown: unknown) =>
    console.error(`${root} could not be removed: ${messageOf(thrown)}`),
  )
}

async function tryOne(chosen: Chosen): Promise<readonly string[]> {
  const { program } = chosen
  const { packaged } = program
  const variant = program.newest === true ? 'newest' : (program.variant ?? '')
  if (stop.signal.aborted) return [packaged, variant, 'stopped']
  try {
    install(program, cache)
  } catch (thrown) {
    console.error(`${packaged} is not installed: ${messageOf(thrown)}`)
    return [packaged, variant, 'skipped', '', '', '', '', '', '', '', '', messageOf(thrown).split('\n')[0] ?? '']
  }
  const { ready_ms, tallies, proofs, wrong } = await checkApart(chosen)
  for (const line of wrong) console.error(`${packaged} ${variant}: ${line}`)
  // A newer version than burn's readers know is a warning, because its makers decide when it appears.
  if (wrong.length > 0 && program.newest !== true) process.exitCode = 1
  const of = (column: Column) => said(tallies[column])
  const verdict = wrong.length === 0 ? 'right' : 'WRONG'
  const ready = `${(ready_ms / 1000).toFixed(0)} s`
  return [
    packaged,
    variant,
    verdict,
    ready,
    of('readings'),
    of('texts'),
    of('failures'),
    of('canary'),
    of('sprint'),
    of('usage'),
    of('issues'),
    proofs,
  ]
}

const said = (tally: Tally | undefined) => (tally === undefined ? '' : `${tally.right} of ${tally.all}`)

const words = process.argv.slice(2)
const asked = words.filter((word) => !word.startsWith('--'))
mkdirSync(cache, { recursive: true })
const pinned = programs
  .map((program, index): Chosen => ({ program, index }))
  .filter(({ program: { kind, packaged } }) => asked.length === 0 || asked.some((name) => name === kind || packaged.startsWith(name)))
/** The newest versions beside the pinned ones. Of several pinned versions of a package, the last one counts. */
const newest = pinned
  .filter(({ program: { variant } }) => variant === undefined)
  .flatMap(({ program, index }): Chosen[] => {
    const version = newestVersion(program)
    const other = version === null ? null : inVersion(program, version)
    return other === null ? [] : [{ program: other, index }]
  })
const chosen = [...pinned, ...newest]
const rows = await mapConcurrently(chosen, Math.max(1, Math.floor(availableParallelism() / 2)), tryOne)
for (const line of table(
  ['PROGRAM', 'HOME', 'VERDICT', 'READY', 'READINGS', 'TEXTS', 'FAILURES', 'CANARY', 'SPRINT', 'USAGE', 'ISSUES', 'PROOF'],
  rows,
))
  console.log(line)
