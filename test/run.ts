/**
 * Runs all tests, or those in the named files and folders. The last line is always `N passed, N failed`, with `, N skipped` if there are
 * any. Exits with 1 if a test failed or none ran.
 *
 * Most files have their own process, so that unhandled rejections and open resources can be attributed to them. Files in `shared` share
 * processes. `BURN_COMMAND` names the bundled command for the tests, and `BURN_STAND_INS` the folder of the bundled stand-in agents. A file
 * that runs without this program uses the sources.
 */
import { execFile } from 'node:child_process'
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
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { bundlePackages } from './packages.ts'
import { runFiles } from './process.ts'
import { Tally } from './report.ts'
import { standIns } from './stand-ins/files.ts'

const root = resolve(import.meta.dirname, '..')

/** A file of each slow process, the slowest process first. They start first, because at the end each would run alone. */
const first = [
  'sprint/loop',
  'cycle/dispatch',
  'partition/ssh-hang',
  'claim/repo-faults',
  'claim/refusal',
  'claim/first-claim',
  'demo/demo',
  'agents/custom',
  'sprint/check',
  'ledger/postgres',
  'sprint/trouble',
  'cycle/backlog',
  'observe/watch',
  'git/disk',
  'docs/blocks',
  'ledger/bad-postgres',
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
 * Folders and files that share a process, a line per process. They leave nothing open, and together take no longer than the slowest other
 * file. Starting a process and loading burn often takes as long as the tests themselves.
 */
const shared = [
  [
    'core',
    'decide',
    'doctor',
    'spec',
    'cli/present',
    'cli/table',
    'sprint/blocked-backends',
    'cli/watch-view',
    'forge',
    'llm',
    'login',
    'ledger/plans',
    'ledger/bad-files',
    'sprint/claim-watch',
    'sprint/pause',
    'sprint/thrown',
    'git/failure',
    'git/credential',
    'host/private-files',
    'host/launchd',
    'claim/refusal',
    'observe/usage',
  ],
  [
    'cli/attach',
    'cli/command-line',
    'cli/completion',
    'cli/delegation',
    'cli/doctor',
    'cli/drift',
    'cli/errors',
    'cli/here',
    'cli/hostile',
    'cli/ledger-keep',
    'cli/log',
    'cli/send',
    'cli/spec',
    'cli/start',
    'cycle/dispatch',
    'deliver/texts',
  ],
  [
    'cycle/blocked',
    'cycle/change-kills',
    'cycle/change-loop',
    'cycle/changes',
    'cycle/closed',
    'cycle/delegation',
    'cycle/trouble',
    'cycle/dry-run',
    'cycle/follow-up',
    'cycle/foreign-claims',
    'cycle/mangled',
    'cycle/steering',
    'claim/first-claim',
    'observe/agents',
    'observe/forge',
    'observe/status',
    'observe/steering',
    'observe/steady-screens',
    'operate',
  ],
  ['ledger/postgres', 'cycle/wake'],
  ['claim/other-ledgers', 'claim/trust', 'deliver/breaker', 'deliver/pane-host', 'cycle/backlog', 'ledger/sqlite'],
  ['tidy', 'observe/watch', 'partition/ssh-cut', 'partition/suspend', 'partition/tmux'],
  [
    'git/unsafe-files',
    'git/disk',
    'git/secret',
    'git/hostile',
    'git/mirror',
    'git/workspace',
    'sandbox/escapes',
    'sandbox/facts',
    'sandbox/kernel',
    'sandbox/open',
    'sandbox/paths',
    'sandbox/proxy',
    'sandbox/quota',
    'sandbox/seccomp',
    'sandbox/tools',
  ],
  ['host', 'jobs', 'tmux', 'agent', 'agents', 'capture'],
  ['partition'],
  ['simulate', 'cli/simulate', 'night', 'soak', 'demo'],
  ['sprint/check', 'sprint/protect', 'sprint/refused', 'sprint/trust', 'sprint/unread', 'sprint/walls', 'kill'],
  ['sprint/alone', 'sprint/fifty', 'sprint/records', 'sprint/trouble'],
  ['sprint'],
  // The rest of these folders. A file belongs to the first line that names it.
  ['claim', 'git', 'cli', 'collect', 'notify', 'cycle'],
]

/** Groups the files by process. */
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

/**
 * Returns the folder that `make` fills from the sources. It is cached by the hash of the sources, at a stable path for Node's compile
 * cache.
 */
async function cached(kind: string, sources: readonly string[], make: (dir: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(process.version)
  for (const file of globSync([...sources, 'scripts/bundle.ts', 'package-lock.json'], { cwd: root }).toSorted())
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  const all = join(cache, kind)
  const kept = join(all, hash.digest('hex').slice(0, 16))
  if (existsSync(kept)) return kept
  mkdirSync(all, { recursive: true })
  // Keep recent folders: a concurrent run may use one.
  for (const old of readdirSync(all).map((name) => join(all, name)))
    if (Date.now() - statSync(old).mtimeMs > 86_400_000) rmSync(old, { recursive: true, force: true })
  const made = mkdtempSync(`${kept}-`)
  await make(made)
  try {
    renameSync(made, kept)
  } catch (thrown) {
    // A concurrent run renamed its folder first.
    if (!existsSync(kept)) throw thrown
    rmSync(made, { recursive: true })
  }
  return kept
}

async function bundleCommand(dir: string): Promise<void> {
  // Loaded here, because loading the bundler takes longer than a small test file.
  const { bundle } = await import('../scripts/bundle.ts')
  await bundle(dir)
}

/** Bundles each stand-in agent into one file, because an agent starts for each pane, and loading eleven files takes half of its start. */
async function bundleStandIns(dir: string): Promise<void> {
  const { bundleScript } = await import('../scripts/bundle.ts')
  for (const file of Object.values(standIns)) await bundleScript(join(root, file), join(dir, file))
}

/** From this number of files on, removing the types of all sources takes less time than in each process. */
const many = 20

/** Removes the types of all sources, for the processes of the tests. */
async function stripSources(): Promise<void> {
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'test/stripped.mjs')])
}

/** Free space that a file system in memory must have (bytes): several times the need of a whole run. */
const room = 1024 ** 3

/**
 * Returns a folder in memory for temporary files. Returns null if there is none, or if it is small, read-only or mounted noexec. Some file
 * systems take long to create a file soon after others were deleted, and the tests create and delete thousands.
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

/**
 * Gives the tests an empty home folder of their own. burn starts login shells, and the profile of the person who runs the tests may be slow,
 * print something or wait for a lock.
 */
function leaveHome(): void {
  const home = mkdtempSync(join(tmpdir(), 'burn-home-'))
  process.once('exit', () => rmSync(home, { recursive: true, force: true }))
  process.env['HOME'] = home
  for (const name of ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'ZDOTDIR']) delete process.env[name]
}

async function main(): Promise<number> {
  const memory = memoryFolder()
  if (memory !== null) process.env['TMPDIR'] ??= memory
  const tally = new Tally((line) => process.stdout.write(`${line}\n`))
  const files = testFiles(process.argv.slice(2))
  const left = processesOf(files).values()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  process.env['BURN_STRIPPED'] = join(cache, 'stripped')
  const stripped = files.length < many ? null : stripSources()
  process.env['BURN_COMMAND'] = join(await cached('bundles', ['src/**/*.ts', 'bin/start.mjs'], bundleCommand), 'start.mjs')
  process.env['BURN_STAND_INS'] = await cached('stand-ins', ['test/stand-ins/agent*/*.mjs', 'test/stand-ins/files.ts'], bundleStandIns)
  process.env['BURN_PACKAGES'] = await bundlePackages(cache)
  process.env['BURN_CLUSTERS'] = join(cache, 'clusters')
  mkdirSync(process.env['BURN_CLUSTERS'], { recursive: true })
  process.env['NODE_COMPILE_CACHE'] = join(cache, 'compiled')
  await stripped
  leaveHome()
  const runSome = async () => {
    for (const files of left) tally.add(await runFiles(files))
  }
  // More processes than cores, because tests wait much of the time.
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
// Exit even if something is still open, so that the totals are the last line.
process.stdout.write('', () => process.exit())
