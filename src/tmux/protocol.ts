/**
 * Parses tmux's control protocol. A reply is a block: `%begin <time> <number> <flags>`, lines, then `%end` or `%error` with the same three
 * fields. Each command has its own block. if-shell, run-shell -C and hooks of the user run further commands, so burn can't know the number
 * of blocks. After every line, burn therefore sends a command that prints a mark. Nobody can guess the mark, so no captured screen contains
 * it. The reply to the line is everything before the mark.
 */
import type { TmuxReply } from '../core/ports.ts'

const NEWLINE = 0x0a
/** The maximum number of messages that the parser keeps. A server that ends gives its reason in one or two lines. */
const maxMessages = 50
/**
 * Matches notifications that a pane or window has changed, and captures the id of the pane or window. The ids precede ` : `, which begins
 * the value of a subscription. Other programs write the value, and burn does not read it. A subscription of windows has `-` in place of the
 * pane's id.
 */
const change =
  /^%subscription-changed [\w-]+ \$\d+ (@\d+) \d+ (%\d+|-) : |^%(?:layout-change|window-add|(?:unlinked-)?window-close) (@\d+)(?: |$)/

/** Parses the output of a control-mode client: replies to commands, error messages, and notifications of changed panes and windows. */
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
  /** Lines, outside replies, in which tmux reports why the client ended: errors while attaching, and `%exit` with a reason. */
  readonly messages: string[] = []
  readonly #onChange: (id: string) => void

  /** `onChange` is called with the id of the pane (`%5`) or window (`@2`) of each notification. */
  constructor(nonce: string, onReply: (reply: TmuxReply) => void, onChange: (id: string) => void = () => {}) {
    this.#nonce = nonce
    this.#onReply = onReply
    this.#onChange = onChange
    this.#expected = this.mark(0)
  }

  /** Returns the mark, a unique text that tmux prints after line number `sequence`. */
  mark(sequence: number): string {
    return `${this.#nonce}.${sequence}`
  }

  /** Returns the number of bytes of the unfinished line or reply. */
  get held(): number {
    return this.#held
  }

  /** Parses the next bytes of the output. Splitting at newline bytes is safe, because no other UTF-8 character contains such a byte. */
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
    } else if (line.startsWith('%exit')) this.#addMessage(line)
    else this.#notification(line)
  }

  #addMessage(line: string): void {
    if (this.messages.length < maxMessages) this.messages.push(line)
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
      // Any other block is the reply to the attach command itself, or belongs to a hook of the user.
      if (!ok) block.lines.forEach((line) => this.#addMessage(line))
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
