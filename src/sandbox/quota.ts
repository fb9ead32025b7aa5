/**
 * Limits the bytes and files that the commands of a sprint add to the disk. burn checks both limits while commands run, and again before
 * git runs.
 */
import { statfs } from 'node:fs/promises'
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { codeOf } from '../core/errors.ts'
import { counted } from '../core/text.ts'
import { entryName, isSpecial, removeEntry, unusableWorkspaceError, walkTree, type TreeEntry } from '../host/untrusted-tree.ts'

/** The disk space (bytes) and the number of files that are used. */
export interface Used {
  readonly bytes: number
  readonly files: number
}

/** The free space that the file system has for this user. */
interface Free extends Used {
  /** Whether the file system has a maximum number of files. */
  readonly counted: boolean
}

const tick_ms = 250
/** The share of the free space that commands may use. burn reserves the rest for git. */
const diskShare = 0.8
/** The minimum number of ticks between two counts of all files. A count is due earlier if the free space shrinks fast. */
const minTicks = 40
/** The pause between two counts is one tick per this many files, so that counting uses at most 2 % of one processor. */
const filesPerTick = 1_500

/** The size limit of one file exceeds the disk quota by this number of bytes. So a file that reaches its limit also exceeds the quota. */
const margin = 2 ** 20

/** The disk quota of one sandbox. */
export class Quota {
  /** The number of bytes and files that commands may add. */
  readonly limit: Used
  readonly #dirs: readonly string[]
  readonly #initial: Used
  /** The last count: the added bytes and files, the free space at that time, and the number of ticks until the next count. */
  #last: { readonly grown: Used; readonly free: Free; readonly pause: number }
  #ticks = 0
  #watchers = 0

  private constructor(dirs: readonly string[], initial: Used, free: Free, limit: Used) {
    this.#dirs = dirs
    this.#initial = initial
    this.#last = { grown: { bytes: 0, files: 0 }, free, pause: 0 }
    this.limit = limit
  }

  /** The size limit of one file (bytes). */
  get file_bytes(): number {
    return this.limit.bytes + margin
  }

  /**
   * Counts the files that exist now, and returns a quota. `dirs` are the workspace and then the other folders that commands can write to.
   */
  static async open(dirs: readonly string[], { disk, files }: Pick<SandboxPolicy, 'disk' | 'files'>): Promise<Quota> {
    const free = await freeAt(dirs[0] ?? '/')
    const limit = {
      bytes: Math.min(disk, Math.floor(diskShare * free.bytes)),
      files: free.counted ? Math.min(files, Math.floor(diskShare * free.files)) : files,
    }
    return new Quota(dirs, await usageOf(dirs, { settled: false, limit: null }), free, limit)
  }

  /** Runs `work` and returns its result. Calls `exceeded` with a reason if commands exceed the quota while `work` runs. */
  async watch<T>(exceeded: (reason: Error) => void, work: () => Promise<T>): Promise<T> {
    let counting: Promise<void> | null = null
    const count = async () => {
      try {
        if (await this.#isDue()) await this.#count({ settled: false })
      } catch (thrown) {
        exceeded(thrown instanceof Error ? thrown : new Error(String(thrown)))
      } finally {
        counting = null
      }
    }
    // If a command runs during an agent's turn, the command and the turn share one timer.
    const timer = this.#watchers === 0 ? setInterval(() => void (counting ??= count()), tick_ms) : undefined
    this.#watchers += 1
    try {
      return await work()
    } finally {
      this.#watchers -= 1
      clearInterval(timer)
      await counting
    }
  }

  /**
   * Counts all files after the commands have ended. Removes named pipes, sockets and devices, and returns their names. Throws BurnError
   * `workspace_unusable` if the quota is exceeded.
   */
  async countAndClean(): Promise<readonly string[]> {
    const special: string[] = []
    await this.#count({
      settled: true,
      special: (root, entry) => {
        removeEntry(root, entry)
        special.push(entryName(entry))
      },
    })
    return special
  }

  /**
   * Tells whether a count is due: the pause is over, or the free space shrank by more than half of the remaining quota. Reading the free
   * space is cheap.
   */
  async #isDue(): Promise<boolean> {
    const { grown, free, pause } = this.#last
    const current = await freeAt(this.#dirs[0] ?? '/')
    const shrank = (of: keyof Used) => free[of] - current[of] > (this.limit[of] - grown[of]) / 2
    this.#ticks += 1
    return this.#ticks > pause || shrank('bytes') || (free.counted && shrank('files'))
  }

  async #count({ settled, special }: Pick<CountOptions, 'settled' | 'special'>): Promise<void> {
    const free = await freeAt(this.#dirs[0] ?? '/')
    const limit = { bytes: this.#initial.bytes + this.limit.bytes, files: this.#initial.files + this.limit.files }
    const current = await usageOf(this.#dirs, { settled, limit, ...(special === undefined ? {} : { special }) })
    const grown = { bytes: current.bytes - this.#initial.bytes, files: current.files - this.#initial.files }
    this.#last = { grown, free, pause: Math.max(minTicks, Math.ceil(current.files / filesPerTick)) }
    this.#ticks = 0
    if (grown.bytes >= this.limit.bytes)
      throw unusableWorkspaceError(`the commands reached the disk quota of ${mebibytes(this.limit.bytes)}`)
    if (grown.files >= this.limit.files)
      throw unusableWorkspaceError(`the commands reached the limit of ${counted(this.limit.files, 'file')}`)
  }
}

interface CountOptions {
  readonly settled: boolean
  /** Counting stops when the sum reaches this limit. Null for the first count, which has no limit. */
  readonly limit: Used | null
  readonly special?: (root: string, entry: TreeEntry) => void
}

async function usageOf(dirs: readonly string[], { settled, limit, special }: CountOptions): Promise<Used> {
  let [bytes, files] = [0, 0]
  // The file system may not have allocated blocks yet for a file that git has just checked out. The first count uses the file's size,
  // because these blocks would otherwise count as added later.
  const initial = limit === null
  const seenInodes = new Set<number>()
  for (const dir of dirs)
    await walkTree(dir, {
      strict: settled,
      onEntry: (entry) => {
        const { stat } = entry
        files += 1
        // A file with several hard links uses disk space only once.
        if (stat.nlink < 2 || stat.isDirectory() || !seenInodes.has(stat.ino))
          bytes += Math.max(initial && stat.isFile() ? stat.size : 0, stat.blocks * 512)
        if (stat.nlink > 1) seenInodes.add(stat.ino)
        if (special !== undefined && isSpecial(stat)) special(dir, entry)
        // When special files are removed, the walk must visit all files, so it does not stop at the limit.
        return special !== undefined || limit === null || (bytes < limit.bytes && files < limit.files)
      },
    })
  return { bytes, files }
}

async function freeAt(path: string): Promise<Free> {
  const { bsize, bavail, files, ffree } = await statfs(path).catch((thrown: unknown) => {
    if (codeOf(thrown) === 'ENOENT') throw unusableWorkspaceError(`the workspace ${path} no longer exists`)
    throw thrown
  })
  return { bytes: bsize * bavail, files: ffree, counted: files > 0 }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
