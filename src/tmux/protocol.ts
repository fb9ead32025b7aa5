/**
 * tmux's control protocol as a parser. Replies come as blocks, `%begin <time> <number> <flags>` … `%end` or `%error` with the same
 * three fields, one for each command, also for those that if-shell, run-shell -C or a user's hook run: their number can't be known
 * beforehand. So every line is followed by a command that prints a mark nobody else can know, and a line's reply is all up to its mark,
 * whatever a captured screen contains.
 */
import type { TmuxReply } from '../core/ports.ts'

const NEWLINE = 0x0a
/** What a server says of why it ends is a line or two. */
const mostNotes = 50
/**
 * What tells of a change, and of what: ids stand before the ` : ` that begins a subscription's value, which others write and nobody needs.
 * `-` stands for the pane of a subscription of windows.
 */
const change =
  /^%subscription-changed [\w-]+ \$\d+ (@\d+) \d+ (%\d+|-) : |^%(?:layout-change|window-add|(?:unlinked-)?window-close) (@\d+)(?: |$)/

export class ReplyParser {
  readonly #onReply: (reply: TmuxReply) => void
  readonly #nonce: string
  #rest: Buffer[] = []
  #marks = 0
  #expected: string
  #open: { readonly fields: string; readonly own: boolean; readonly lines: string[] } | null = null
  #lines: string[] = []
  #held = 0
  #error: string | null = null
  /** What tmux said outside of replies to our own lines, that tells why it refused: the attach's error, `%exit` with its reason. */
  readonly notes: string[] = []
  readonly #onChange: (id: string) => void

  /** `onChange` is told the id of a pane (`%5`) or window (`@2`) of which a notification came. */
  constructor(nonce: string, onReply: (reply: TmuxReply) => void, onChange: (id: string) => void = () => {}) {
    this.#nonce = nonce
    this.#onReply = onReply
    this.#onChange = onChange
    this.#expected = this.mark(0)
  }

  mark(sequence: number): string {
    return `${this.#nonce}.${sequence}`
  }

  /** Bytes that are kept for a reply, or a line, whose end has not come yet. */
  get held(): number {
    return this.#held
  }

  /** Bytes as they come: cut at a newline, which is never a part of a UTF-8 character. */
  feed(chunk: Buffer): void {
    this.#held += chunk.length
    const end = chunk.lastIndexOf(NEWLINE)
    if (end === -1) {
      this.#rest.push(chunk)
      return
    }
    this.#rest.push(chunk.subarray(0, end))
    const text = Buffer.concat(this.#rest).toString('utf8')
    this.#rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
    for (const line of text.split('\n')) this.#line(line)
    if (this.#open === null && this.#lines.length === 0) this.#held = chunk.length - end - 1
  }

  #line(line: string): void {
    if (line === this.#expected) this.#finish()
    else if (this.#open === null) this.#outside(line)
    else if (line === `%end ${this.#open.fields}`) this.#close(true)
    else if (line === `%error ${this.#open.fields}`) this.#close(false)
    else this.#open.lines.push(line)
  }

  #outside(line: string): void {
    if (line.startsWith('%begin ')) {
      const fields = line.slice('%begin '.length)
      this.#open = { fields, own: fields.endsWith(' 1'), lines: [] }
    } else if (line.startsWith('%exit')) this.#note(line)
    else this.#notification(line)
  }

  #note(line: string): void {
    if (this.notes.length < mostNotes) this.notes.push(line)
  }

  #notification(line: string): void {
    const [, window, pane, changed] = change.exec(line) ?? []
    const id = changed ?? (pane === '-' ? window : pane)
    if (id !== undefined) this.#onChange(id)
  }

  #close(ok: boolean): void {
    const block = this.#open
    this.#open = null
    if (block === null) return
    if (!block.own) {
      // The answer to the attach itself, or a hook of the user's.
      if (!ok) block.lines.forEach((line) => this.#note(line))
    } else if (ok) this.#lines.push(...block.lines)
    else this.#error ??= block.lines.join('\n')
  }

  #finish(): void {
    const reply: TmuxReply = { ok: this.#error === null, lines: this.#lines, error: this.#error }
    this.#open = null
    this.#lines = []
    this.#held = 0
    this.#error = null
    this.#expected = this.mark(++this.#marks)
    this.#onReply(reply)
  }
}
