/**
 * Reads the tokens that agents recorded since the last sample, and adds them to the ledger. The ledger saves the tokens with the positions
 * up to which burn has read, in one transaction.
 */
import type { Machine, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { UsageListing, UsageRecords, UsageSource, Use } from '../core/usage.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'
import type { Session } from '../observe/session.ts'
import { lastModels, sumUsage, type WorkerUse } from '../decide/usage.ts'
import { FileReader, maxRead } from './usage-files.ts'
import { ownersOn, type Owners } from './usage-owners.ts'

const day = 24 * 60 * 60_000
/** The maximum number of times that one sample reads `maxRead` bytes. The next sample reads the rest. */
const maxRounds = 8
/** A difference (ms) between two clocks that is due to the rounding of the machine's time. */
const rounding = 2_000

/** The result of a sample. */
export interface UsageCollected {
  /** The number of requests to models that burn counted. */
  readonly calls: number
  /** The number of files and databases that burn could not read. */
  readonly failed: number
  /** False if the machine did not answer, so that nothing is known. */
  readonly answered: boolean
}

/** Adds the usage of the workers of a machine to the ledger. Throws if the ledger fails. */
export async function collectUsage(machine: Machine, session: Session): Promise<UsageCollected> {
  const workers = machine.windows.flatMap((window) => window.workers.filter(({ agent }) => session.kindOf(agent).usage !== undefined))
  if (workers.length === 0) return { calls: 0, failed: 0, answered: true }
  const [host] = await session.machines.open([machine])
  if (host === undefined || host.state === 'unreachable') return { calls: 0, failed: 0, answered: false }
  return new UsageSample(machine, workers, host.usage, session).collect()
}

/** One sample of a machine. */
class UsageSample {
  readonly #machine: Machine
  readonly #workers: readonly Worker[]
  readonly #records: UsageRecords
  readonly #session: Session
  /** The difference between burn's clock and the machine's clock. */
  #shift = 0
  /** The names of the requests that this sample has counted. */
  readonly #counted = new Set<string>()
  #calls = 0
  #failed = 0

  constructor(machine: Machine, workers: readonly Worker[], records: UsageRecords, session: Session) {
    this.#machine = machine
    this.#workers = workers
    this.#records = records
    this.#session = session
  }

  async collect(): Promise<UsageCollected> {
    const { ledger, clock, fleet } = this.#session
    const [last] = await ledger.usageSources(this.#machine.name, [''])
    const folders = ownersOn(this.#workers, fleet.name, this.#session.kindOf, null).folders
    const dirs = [...new Set(this.#workers.map(({ dir }) => dir))]
    const days = last === undefined ? 2 : Math.ceil((clock.now() - last.read_at) / day) + 1
    const listing = await this.#records.list(dirs, folders, Math.max(2, days))
    if (listing === null) return { calls: 0, failed: 0, answered: false }
    const shift = clock.now() - listing.clock
    this.#shift = Math.abs(shift) < rounding ? 0 : shift
    const owners = ownersOn(this.#workers, fleet.name, this.#session.kindOf, listing)
    const since = last === undefined ? listing.clock - day : last.position
    await this.#readFiles(listing, owners, since)
    await this.#readDatabases(listing, owners, since)
    await this.#save([], [this.#sourceOf('', { position: listing.clock, failure: listing.failures[0] ?? null })])
    return { calls: this.#calls, failed: this.#failed + listing.failures.length, answered: true }
  }

  async #readFiles({ files }: UsageListing, owners: Owners, since: Time): Promise<void> {
    const owned = files.flatMap((file) => {
      const log = owners.logOf(file.path)
      return log === null ? [] : [{ file, log }]
    })
    const paths = owned.map(({ file }) => file.path)
    const known = new Map((await this.#session.ledger.usageSources(this.#machine.name, paths)).map((each) => [each.path, each]))
    const readers = owned
      .toSorted((a, b) => depthOf(a.file.path) - depthOf(b.file.path))
      .map(({ file, log }) => new FileReader(file, log, known.get(file.path), since))
    // A file that a sample has listed is no longer new, even if burn reads the file later.
    const listed = readers.filter(({ isNew }) => isNew).map((reader) => this.#sourceOf(reader.file.path, reader.position))
    if (listed.length > 0) await this.#save([], listed)
    for (let round = 0, open = readers; round < maxRounds; round++) {
      open = bySize(open.filter((reader) => reader.hasMore))
      if (open.length === 0 || !(await this.#readRound(open, owners))) return
    }
  }

  /** Reads a part of each file, up to `maxRead` bytes together. Returns false if the machine did not answer. */
  async #readRound(open: readonly FileReader[], owners: Owners): Promise<boolean> {
    const parts: { readonly reader: FileReader; readonly length: number }[] = []
    let room = maxRead
    for (const reader of open) {
      const length = Math.min(room, reader.left)
      if (length === 0) break
      parts.push({ reader, length })
      room -= length
    }
    const asked = parts.map(({ reader, length }) => reader.partOf(length))
    const bytes = await this.#records.read(asked)
    if (bytes === null) return false
    const uses: WorkerUse[] = []
    const reported: WorkerLimit[] = []
    for (const [index, { reader, length }] of parts.entries()) {
      const { uses: found, limits } = reader.take(bytes[index] ?? null, length)
      const key = reader.key
      if (reader.position.failure !== null) this.#failed++
      if (key !== null && !owners.has(reader.log, key)) {
        reader.skip()
        continue
      }
      const worker = key === null ? null : owners.workerOf(reader.log.kind, key)
      if (worker !== null && worker !== '') reported.push(...limits.map((each) => ({ ...each, worker, at: each.at + this.#shift })))
      uses.push(...this.#once(this.#assign(found, { key, path: reader.file.path }, reader.log.kind, owners)))
    }
    if (reported.length > 0) await this.#session.ledger.saveUsageLimits(reported)
    await this.#save(
      uses,
      parts.map(({ reader }) => this.#sourceOf(reader.file.path, reader.position)),
    )
    return true
  }

  async #readDatabases({ person, clock }: UsageListing, owners: Owners, begin: Time): Promise<void> {
    const databases = owners.databases(person)
    const paths = databases.map(({ path }) => path)
    const known = new Map((await this.#session.ledger.usageSources(this.#machine.name, paths)).map((each) => [each.path, each]))
    const asked = databases.map(({ path, log }) => ({ path, queries: log.queries, since: known.get(path)?.position ?? begin }))
    const answers = asked.length === 0 ? [] : await this.#records.query(asked)
    const uses: WorkerUse[] = []
    const sources: UsageSource[] = []
    for (const [index, answer] of (answers ?? []).entries()) {
      const { path, since } = asked[index]!
      const { log, kind } = databases[index]!
      const before = known.get(path)
      if (answer === null) {
        // The database is gone, so burn no longer waits for its tokens.
        if (before !== undefined && before.failure !== null) sources.push(this.#sourceOf(path, { ...before, failure: null }))
        continue
      }
      if ('failure' in answer) {
        this.#failed++
        sources.push(this.#sourceOf(path, { position: since, state: before?.state ?? null, failure: answer.failure }))
        continue
      }
      const { uses: found, state } = log.readRows(before?.state ?? null, answer.rows, since)
      const newest = found.reduce((max, { at }) => Math.max(max, Math.min(at, clock)), since)
      uses.push(...this.#assign(found, { key: log.keyOf(path), path }, kind, owners))
      if (found.length > 0 || before === undefined || before.failure !== null)
        sources.push(this.#sourceOf(path, { position: newest, state, failure: null }))
    }
    if (sources.length > 0) await this.#save(uses, sources)
  }

  /** Returns the uses of the fleet's workers. `key`: the key of all these uses; null if each use has its own. */
  #assign(
    found: readonly Use[],
    source: { readonly key: string | null; readonly path: string },
    kind: string,
    owners: Owners,
  ): WorkerUse[] {
    return found.flatMap((use) => {
      const key = use.key ?? source.key
      const worker = key === null ? null : owners.workerOf(kind, key)
      return worker === null ? [] : [{ ...use, at: use.at + this.#shift, worker, agent: kind, record: source.path }]
    })
  }

  /** Drops copies of requests that this sample has already counted. */
  #once(uses: readonly WorkerUse[]): WorkerUse[] {
    return uses.filter(({ worker, agent, ids }) => {
      const names = ids.map((id) => `${agent} ${worker} ${id}`)
      if (names[0] !== undefined && this.#counted.has(names[0])) return false
      for (const name of names) this.#counted.add(name)
      return true
    })
  }

  async #save(uses: readonly WorkerUse[], sources: readonly UsageSource[]): Promise<void> {
    const { ledger } = this.#session
    const since = uses.reduce((min, { at }) => Math.min(min, at), Infinity)
    const workers = [...new Set(uses.map(({ worker }) => worker))].filter((id) => id !== '')
    const [spans, dispatches] =
      uses.length === 0
        ? [[], []]
        : await Promise.all([ledger.spans({ kind: 'worker', since }), Promise.all(workers.map((worker) => this.#dispatchesOf(worker)))])
    const known = new Set(dispatches.flat().map(({ id }) => id))
    const later = uses.flatMap(({ prompt }) => (prompt === undefined || known.has(prompt) ? [] : [prompt]))
    const told = later.length === 0 ? [] : await ledger.deliveries({ ids: [...new Set(later)] })
    const deliveries = new Map(
      told.flatMap(({ id, dispatch, kind }) => (dispatch !== null || kind === 'identity' ? [[id, dispatch] as const] : [])),
    )
    const history = { spans, dispatches: dispatches.flat(), deliveries }
    await ledger.addUsage(sumUsage(uses, history), sources, lastModels(uses, spans))
    this.#calls += uses.reduce((sum, { calls }) => sum + calls, 0)
  }

  #dispatchesOf(worker: WorkerId) {
    return this.#session.ledger.dispatches({ worker, limit: 20 })
  }

  #sourceOf(path: string, position: Partial<UsageSource>): UsageSource {
    return {
      machine: this.#machine.name,
      path,
      inode: null,
      position: 0,
      state: null,
      failure: null,
      read_at: this.#session.clock.now(),
      ...position,
    }
  }
}

/** The number of bytes up to which a file is small. */
const small = 1024 * 1024

/** Returns the files with the small ones first, so that they need not wait for a large file. */
function bySize(readers: readonly FileReader[]): FileReader[] {
  return [...readers.filter(({ left }) => left <= small), ...readers.filter(({ left }) => left > small)]
}

/** Returns the number of folders in a path. burn reads the main session first, because a side chain may repeat its requests. */
function depthOf(path: string): number {
  return path.split('/').length
}
