/** Continues to read a usage file from the position that is stored in the ledger. */
import type { Time } from '../core/nouns.ts'
import type { FilePart, ListedFile, UsageRead, UsageSource } from '../core/usage.ts'
import type { KindFiles } from './usage-owners.ts'
import { hashOfText } from '../core/random.ts'
import { countOf, membersOf, stringOf } from '../core/json.ts'
import { tagBegin, taggedDelivery } from '../core/typed-line.ts'

/** The maximum number of bytes that burn reads at once. It skips a line that is longer. */
export const maxRead = 16 * 1024 * 1024

/** The uses and the reports of limits in a part of a file. */
export type Taken = Required<Pick<UsageRead, 'uses' | 'limits'>>

const nothing: Taken = { uses: [], limits: [] }

/** The state of a file between two readings. */
interface FileState {
  /** The state of the agent kind's reader; null at the start of the file. */
  reader: unknown
  /** The time of the newest record that burn counted. */
  newest: Time
  /** burn counts no record up to this time: the file repeats records that burn counted from another file, or before a rewrite. */
  counted_until: Time
  /** True if the rest of the current line is to be skipped. */
  skips: boolean
  /** The key that the content shows; null if there is none yet. */
  key: string | null
  /** The id of the delivery whose text the agent received last; null if there is none yet. */
  prompt: string | null
  /** True if the content belongs to no worker. burn does not read such a file on. */
  foreign: boolean
  /** The number and the hash of the bytes before the position. If they differ later, the file was rewritten in place. */
  tail: Tail | null
}

interface Tail {
  readonly length: number
  readonly hash: number
}

/** The number of bytes that show whether a file was rewritten. */
const tailLength = 64

/** A file, and the position up to which burn has read it. */
export class FileReader {
  readonly file: ListedFile
  readonly log: KindFiles
  /** True if no sample has seen this file before. */
  readonly isNew: boolean
  #at: number
  readonly #state: FileState
  #failure: string | null = null
  /** True if the file ended, in the middle of a line or not. */
  #ended = false

  /**
   * `since`: the time of the last listing. A file that did not exist then has no records of its own from before.
   */
  constructor(file: ListedFile, log: KindFiles, source: UsageSource | undefined, since: Time) {
    this.file = file
    this.log = log
    this.isNew = source === undefined
    const known = membersOf(source?.state)
    const goesOn = source !== undefined && source.inode === file.inode && file.size >= source.position
    const newest = countOf(known['newest']) ?? 0
    const counted_until = source === undefined ? since : goesOn ? (countOf(known['counted_until']) ?? 0) : newest
    this.#at = goesOn ? source.position : 0
    this.#state = {
      reader: goesOn ? (known['reader'] ?? null) : null,
      newest,
      counted_until,
      skips: goesOn && known['skips'] === true,
      key: goesOn ? stringOf(known['key']) : null,
      prompt: goesOn ? stringOf(known['prompt']) : null,
      foreign: goesOn && known['foreign'] === true,
      tail: goesOn ? tailOf(known['tail']) : null,
    }
  }

  /** The number of bytes that burn has not read. */
  get left(): number {
    return this.file.size - this.#at
  }

  /** The part of the file that a reading of `length` new bytes needs: also the bytes that show whether the file was rewritten. */
  partOf(length: number): FilePart {
    const before = this.#state.tail?.length ?? 0
    return { path: this.file.path, position: this.#at - before, length: before + length }
  }

  get hasMore(): boolean {
    return !this.#ended && !this.#state.foreign && this.left > 0
  }

  /** The key of the records; null if it is not known. */
  get key(): string | null {
    return this.log.keyOf(this.file.path) ?? this.#state.key
  }

  /** The columns of the file's row in the ledger. */
  get position(): Pick<UsageSource, 'inode' | 'position' | 'state' | 'failure'> {
    return { inode: this.file.inode, position: this.#at, state: this.#state, failure: this.#failure }
  }

  /** Marks the file as one that belongs to no worker. */
  skip(): void {
    this.#state.foreign = true
  }

  /**
   * Returns the records in the next bytes of the file, which `partOf(asked)` describes. A last line without a line end stays for the next
   * time.
   */
  take(part: string | null, asked: number): Taken {
    this.#failure = part === null ? 'burn may not read the file' : null
    this.#ended = part === null
    if (part === null) return nothing
    const { tail } = this.#state
    const [before, bytes] = [part.slice(0, tail?.length ?? 0), part.slice(tail?.length ?? 0)]
    if (tail !== null && hashOfText(before) !== tail.hash) {
      this.#beginAnew()
      return nothing
    }
    this.#ended = bytes.length < asked || asked >= this.left
    const end = bytes.lastIndexOf('\n') + 1
    if (end === 0) {
      if (bytes.length >= maxRead) {
        this.#moveOn(before, bytes)
        this.#state.skips = true
      }
      return nothing
    }
    const start = this.#state.skips ? bytes.indexOf('\n') + 1 : 0
    this.#state.skips = false
    this.#moveOn(before, bytes.slice(0, end))
    const lines = Buffer.from(bytes.slice(start, end), 'latin1').toString('utf8').split('\n')
    const all = parts(lines, this.log).map(({ prompt, lines: part }) => this.#read(prompt, part))
    const uses = all.flatMap((each) => each.uses).filter(({ at }) => at > this.#state.counted_until)
    this.#state.newest = uses.reduce((max, { at }) => Math.max(max, at), this.#state.newest)
    return { uses, limits: all.flatMap(({ limits }) => limits) }
  }

  /** Reads the lines after a prompt of burn. `prompt`: the id of its delivery; null if the lines continue the prompt before. */
  #read(prompt: string | null, lines: readonly string[]): Taken {
    this.#state.prompt = prompt ?? this.#state.prompt
    const { uses, limits = [], state, key } = this.log.read(this.#state.reader, lines)
    this.#state.reader = state
    this.#state.key = key ?? this.#state.key
    const last = this.#state.prompt
    return { uses: last === null ? uses : uses.map((use) => ({ prompt: last, ...use })), limits }
  }

  /** Moves the position past bytes that burn has read. `before`: the bytes before them, as far as they are known. */
  #moveOn(before: string, bytes: string): void {
    this.#at += bytes.length
    const last = (before + bytes.slice(-tailLength)).slice(-tailLength)
    this.#state.tail = { length: last.length, hash: hashOfText(last) }
  }

  /** Reads the file from its start, because it was rewritten. Records up to the newest one that burn counted do not count again. */
  #beginAnew(): void {
    const { newest } = this.#state
    this.#at = 0
    Object.assign(this.#state, { reader: null, counted_until: newest, skips: false, key: null, foreign: false, tail: null })
  }
}

function tailOf(value: unknown): Tail | null {
  const { length, hash } = membersOf(value)
  return typeof length === 'number' && typeof hash === 'number' ? { length, hash } : null
}

/** Cuts lines into parts that begin with a prompt of burn. The first part continues an earlier prompt. */
function parts(lines: readonly string[], log: KindFiles): { readonly prompt: string | null; readonly lines: readonly string[] }[] {
  const begins = lines.flatMap((line, index) => {
    const id = line.includes(tagBegin) ? taggedDelivery(log.promptOf(line) ?? '') : null
    return id === null ? [] : [{ index, id }]
  })
  const first = { prompt: null, lines: lines.slice(0, begins[0]?.index) }
  return [first, ...begins.map(({ index, id }, at) => ({ prompt: id, lines: lines.slice(index, begins[at + 1]?.index) }))]
}
