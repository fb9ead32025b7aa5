/**
 * Runs the tests: all of them, or those in the files and folders that are named. Its last line is always `N passed, N failed`
 * (and `, N skipped` where some were); it exits with 1 when anything failed and when nothing ran.
 *
 * A file has a process of its own, so that a rejection that nobody handles, or something left open, can be charged to it. Files that only
 * compute share one.
 * `BURN_COMMAND` names the command as it ships: tests run it in their own process or in one of its own. A file that is run alone runs the sources.
 */
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { bundle } from '../scripts/bundle.ts'
import { runFiles } from './process.ts'
import { Tally } from './report.ts'

const root = resolve(import.meta.dirname, '..')

/** What takes longest, and waits most, begins first: at the end it would run alone. */
const first = [
  'sprint/loop',
  'ledger/postgres',
  'cycle/dispatch',
  'sprint/trouble',
  'sprint/check',
  'cycle/backlog',
  'demo/demo',
  'sprint/records',
  'sprint/fifty',
  'sprint/alone',
  'simulate/simulate',
  'ledger/bad-postgres',
  'ledger/sqlite',
  'partition/ssh-hang',
  'cli/simulate',
  'soak/soak',
]

function rankOf(file: string): number {
  const index = first.findIndex((name) => file.endsWith(`/${name}.test.ts`))
  return index < 0 ? first.length : index
}

function testFiles(named: readonly string[]): string[] {
  const asked = named.length > 0 ? named : ['test']
  const found = asked.flatMap((name) => {
    const path = [resolve(name), resolve(root, name)].find((candidate) => existsSync(candidate))
    if (path === undefined) throw new Error(`no such test file or folder: ${name}`)
    return statSync(path).isDirectory() ? globSync('**/*.test.ts', { cwd: path }).map((file) => join(path, file)) : [path]
  })
  return [...new Set(found)].toSorted((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
}

/**
 * Folders and files that leave nothing open, and take no longer together than the longest of the others: those of each line run in one process.
 * To start one and load the program takes as much as many a file's tests.
 */
const shared = [
  ['core', 'decide', 'spec', 'sprint/claim-watch', 'sprint/pause', 'sprint/thrown', 'git/failure', 'git/credential', 'claim/refusal'],
  ['agents'],
  ['forge'],
  ['llm', 'ledger/plans', 'ledger/bad-files'],
  [
    'cli/attach',
    'cli/command-line',
    'cli/doctor',
    'cli/errors',
    'cli/here',
    'cli/hostile',
    'cli/ledger-keep',
    'cli/log',
    'cli/send',
    'cli/spec',
    'cli/start',
  ],
  [
    'cycle/changes',
    'cycle/closed',
    'cycle/trouble',
    'cycle/dry-run',
    'cycle/follow-up',
    'cycle/foreign-claims',
    'cycle/mangled',
    'claim/first-claim',
  ],
  ['claim/other-ledgers', 'claim/trust', 'deliver/breaker', 'deliver/pane-host', 'cycle/wake'],
  ['cycle/dispatch', 'deliver/texts'],
  ['tidy'],
  ['git/unsafe-files', 'git/disk', 'git/secret', 'git/hostile', 'git/mirror', 'git/workspace'],
  ['host', 'jobs', 'tmux', 'agent'],
  ['observe/agents', 'observe/forge', 'observe/status', 'operate'],
  ['partition/clock', 'partition/disk', 'partition/forge', 'partition/forge-said'],
  ['partition/network', 'partition/person', 'partition/refused', 'partition/ssh-hang'],
  ['partition/ssh-cut', 'partition/suspend', 'partition/tmux', 'observe/watch'],
  ['simulate/simulate', 'cli/simulate'],
  ['sandbox/escapes', 'sandbox/open', 'sandbox/paths', 'sandbox/quota', 'sandbox/tools'],
  ['sprint/check', 'sprint/protect', 'sprint/refused', 'sprint/trust', 'sprint/unread', 'sprint/walls'],
  ['sprint/alone', 'sprint/fifty', 'sprint/records', 'sprint/trouble'],
]

/** The files that run in one process together. */
function processesOf(files: readonly string[]): string[][] {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const folder = basename(dirname(file))
    const name = `${folder}/${basename(file, '.test.ts')}`
    const key = shared.find((line) => line.includes(folder) || line.includes(name))?.join() ?? file
    groups.set(key, [...(groups.get(key) ?? []), file])
  }
  return [...groups.values()]
}

const cache = join(root, 'node_modules/.cache')

/** The command, bundled: kept from one run to the next as long as no source of it changes, and at the same path, where Node finds it compiled. */
async function bundled(): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  const sources = globSync(['src/**/*.ts', 'scripts/bundle.ts', 'bin/start.mjs', 'package-lock.json'], { cwd: root })
  for (const file of sources.toSorted()) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  const all = join(cache, 'bundles')
  const kept = join(all, hash.digest('hex').slice(0, 16))
  if (existsSync(kept)) return kept
  mkdirSync(all, { recursive: true })
  // Another run may still use one of today.
  for (const old of readdirSync(all).map((name) => join(all, name)))
    if (Date.now() - statSync(old).mtimeMs > 86_400_000) rmSync(old, { recursive: true, force: true })
  const made = mkdtempSync(`${kept}-`)
  await bundle(made)
  try {
    renameSync(made, kept)
  } catch (thrown) {
    // Another run was first.
    if (!existsSync(kept)) throw thrown
    rmSync(made, { recursive: true })
  }
  return kept
}

/** Free space (bytes) that a file system in memory must have: several times what a whole run needs at once. */
const room = 1024 ** 3

/**
 * Returns a folder in memory for temporary files. Returns null if there is none, or if it is small, read-only or mounted noexec.
 * Some file systems take long to create a file soon after others were deleted, and the tests create and delete thousands.
 */
function memoryFolder(): string | null {
  const folder = '/dev/shm'
  const mounts = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8').split('\n') : []
  const [, , kind, options = ''] = mounts.map((line) => line.split(' ')).findLast(([, place]) => place === folder) ?? []
  if (kind !== 'tmpfs' || options.split(',').includes('noexec')) return null
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < room) return null
  try {
    accessSync(folder, constants.W_OK)
    return folder
  } catch {
    return null
  }
}

async function main(): Promise<number> {
  const memory = memoryFolder()
  if (memory !== null) process.env['TMPDIR'] ??= memory
  const tally = new Tally((line) => process.stdout.write(`${line}\n`))
  const left = processesOf(testFiles(process.argv.slice(2))).values()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  process.env['BURN_COMMAND'] = join(await bundled(), 'start.mjs')
  process.env['BURN_CLUSTERS'] = join(cache, 'clusters')
  mkdirSync(process.env['BURN_CLUSTERS'], { recursive: true })
  process.env['NODE_COMPILE_CACHE'] = join(cache, 'compiled')
  const runSome = async () => {
    for (const files of left) tally.take(await runFiles(files))
  }
  // Tests wait more than they work: with as many as there are cores, these stood idle a third of the time.
  await Promise.all(Array.from({ length: availableParallelism() + 5 }, runSome))
  return tally.finish()
}

try {
  process.exitCode = await main()
} catch (thrown) {
  console.log(thrown instanceof Error ? thrown.message : thrown)
  console.log('\n0 passed, 1 failed')
  process.exitCode = 1
}
// Whatever may still be open here must not keep the figures from being the last word.
process.stdout.write('', () => process.exit())
