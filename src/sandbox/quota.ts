/** How much a sprint's commands may add to the disk: watched while they run, and counted before git looks. */
import { statfs } from 'node:fs/promises'
import type { SandboxPolicy } from '../core/sprint.ts'
import { codeOf } from '../core/errors.ts'
import { entryName, isSpecial, removeEntry, unusableWorkspaceError, walkTree, type TreeEntry } from '../host/untrusted-tree.ts'

export interface Used {
  readonly bytes: number
  readonly files: number
}

/** What the file system has left for this user. */
interface Free extends Used {
  /** It counts its files. */
  readonly counted: boolean
}

const TICK_MS = 250
/** Of what is free when the sandbox opens, commands may take this part: git needs the rest. */
const SHARE = 0.8
/** Ticks between two looks at all files, unless the file system says that much was added; one more for so many files, to take 2 % of a processor at most. */
const PAUSE_TICKS = 40
const FILES_A_TICK = 1_500

/** A file may be larger than the quota by this, so that one that hits its limit is over the quota for certain. */
const BEYOND = 2 ** 20

export class Quota {
  /** Bytes and files that may come to those that were there at first. */
  readonly most: Used
  readonly #places: readonly string[]
  readonly #first: Used
  /** The growth at the last look, what was free then, and how many ticks later the next look is due. */
  #last: { readonly grown: Used; readonly free: Free; readonly pause: number }
  #ticks = 0
  #watchers = 0

  private constructor(places: readonly string[], first: Used, free: Free, most: Used) {
    this.#places = places
    this.#first = first
    this.#last = { grown: { bytes: 0, files: 0 }, free, pause: 0 }
    this.most = most
  }

  /** Bytes that one file may have. */
  get file_bytes(): number {
    return this.most.bytes + BEYOND
  }

  /** `places`: the workspace first, and the other folders that commands can write to. */
  static async open(places: readonly string[], { disk, files }: Pick<SandboxPolicy, 'disk' | 'files'>): Promise<Quota> {
    const free = await freeAt(places[0] ?? '/')
    const most = {
      bytes: Math.min(disk, Math.floor(SHARE * free.bytes)),
      files: free.counted ? Math.min(files, Math.floor(SHARE * free.files)) : files,
    }
    return new Quota(places, await usedIn(places, { settled: false, most: null }), free, most)
  }

  /** Runs `work`, and calls `over` with the reason once more was added than may be. */
  async during<T>(over: (why: Error) => void, work: () => Promise<T>): Promise<T> {
    let looking: Promise<void> | null = null
    const look = async () => {
      try {
        if (await this.#due()) await this.#look({ settled: false })
      } catch (thrown) {
        over(thrown instanceof Error ? thrown : new Error(String(thrown)))
      } finally {
        looking = null
      }
    }
    // A command that an agent runs is inside of the agent's turn: one of the two watches is enough.
    const timer = this.#watchers === 0 ? setInterval(() => void (looking ??= look()), TICK_MS) : undefined
    this.#watchers += 1
    try {
      return await work()
    } finally {
      this.#watchers -= 1
      clearInterval(timer)
      await looking
    }
  }

  /**
   * Counts everything, once nothing runs any more, and removes what is neither a file, a folder nor a link. Returns the names of those. Throws BurnError
   * `workspace_unusable` if more was added than may be.
   */
  async settle(): Promise<readonly string[]> {
    const special: string[] = []
    await this.#look({
      settled: true,
      special: (root, entry) => {
        removeEntry(root, entry)
        special.push(entryName(entry))
      },
    })
    return special
  }

  /** Looks at the file system's own count, which is cheap: it is due if that shrank by half of what may still be added, or after a while. */
  async #due(): Promise<boolean> {
    const { grown, free, pause } = this.#last
    const now = await freeAt(this.#places[0] ?? '/')
    const shrank = (of: keyof Used) => free[of] - now[of] > (this.most[of] - grown[of]) / 2
    this.#ticks += 1
    return this.#ticks > pause || shrank('bytes') || (free.counted && shrank('files'))
  }

  async #look({ settled, special }: Pick<CountOptions, 'settled' | 'special'>): Promise<void> {
    const free = await freeAt(this.#places[0] ?? '/')
    const limit = { bytes: this.#first.bytes + this.most.bytes, files: this.#first.files + this.most.files }
    const now = await usedIn(this.#places, { settled, most: limit, ...(special === undefined ? {} : { special }) })
    const grown = { bytes: now.bytes - this.#first.bytes, files: now.files - this.#first.files }
    this.#last = { grown, free, pause: Math.max(PAUSE_TICKS, Math.ceil(now.files / FILES_A_TICK)) }
    this.#ticks = 0
    if (grown.bytes >= this.most.bytes)
      throw unusableWorkspaceError(`its commands added ${mebibytes(this.most.bytes)} to the disk, and may add no more`)
    if (grown.files >= this.most.files) throw unusableWorkspaceError(`its commands added ${this.most.files} files, and may add no more`)
  }
}

interface CountOptions {
  readonly settled: boolean
  /** Counting ends here; null: it is the first count, of all. */
  readonly most: Used | null
  readonly special?: (root: string, entry: TreeEntry) => void
}

async function usedIn(places: readonly string[], { settled, most, special }: CountOptions): Promise<Used> {
  let [bytes, files] = [0, 0]
  // A file that was just checked out may have no blocks yet, which would count as growth later.
  const first = most === null
  const linked = new Set<number>()
  for (const place of places)
    await walkTree(place, {
      strict: settled,
      onEntry: (entry) => {
        const { stat } = entry
        files += 1
        // A file of many names is on the disk once.
        if (stat.nlink < 2 || stat.isDirectory() || !linked.has(stat.ino))
          bytes += Math.max(first && stat.isFile() ? stat.size : 0, stat.blocks * 512)
        if (stat.nlink > 1) linked.add(stat.ino)
        if (special !== undefined && isSpecial(stat)) special(place, entry)
        // What is special is removed to the last, however much there is.
        return special !== undefined || most === null || (bytes < most.bytes && files < most.files)
      },
    })
  return { bytes, files }
}

async function freeAt(path: string): Promise<Free> {
  const { bsize, bavail, files, ffree } = await statfs(path).catch((thrown: unknown) => {
    if (codeOf(thrown) === 'ENOENT') throw unusableWorkspaceError(`the workspace ${path} is gone`)
    throw thrown
  })
  return { bytes: bsize * bavail, files: ffree, counted: files > 0 }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
