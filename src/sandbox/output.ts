/** Keeps the beginning and the end of a command's output, within a memory limit. */

/** burn kills a command that prints more bytes than this limit. Otherwise the command would print until its timeout. */
const maxBytes = 64 * 1024 * 1024

/** A buffer of `limit` bytes: one half for the beginning of the output, the other half for the end. */
export class KeptOutput {
  readonly #limit: number
  readonly #head: Buffer[] = []
  #tail: Buffer[] = []
  #in_head = 0
  #in_tail = 0
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Adds a chunk of output. Returns false if the command has printed more than `maxBytes`. */
  add(chunk: Buffer): boolean {
    this.#total += chunk.length
    const roomLeft = Math.ceil(this.#limit / 2) - this.#in_head
    const headPart = chunk.subarray(0, Math.max(0, roomLeft))
    if (headPart.length > 0) this.#head.push(Buffer.from(headPart))
    this.#in_head += headPart.length
    this.#keepLast(chunk.subarray(headPart.length))
    return this.#total <= maxBytes
  }

  /**
   * Returns the whole output. If the output is too long, returns its beginning and its end, with a line between them that counts the
   * missing bytes.
   */
  text(): string {
    const head = Buffer.concat(this.#head)
    const tail = Buffer.concat(this.#tail).subarray(-this.#room())
    const missing = this.#total - head.length - tail.length
    if (missing === 0) return Buffer.concat([head, tail]).toString('utf8')
    return `${head.toString('utf8')}\n[… ${missing} bytes of output left out here …]\n${tail.toString('utf8')}`
  }

  #room(): number {
    return Math.max(1, Math.floor(this.#limit / 2))
  }

  /** Joins the chunks only when they have twice the needed size, so that many small chunks cost no more than a few large ones. */
  #keepLast(chunk: Buffer): void {
    if (chunk.length === 0) return
    const part = Buffer.from(chunk.subarray(-this.#room()))
    this.#tail.push(part)
    this.#in_tail += part.length
    if (this.#in_tail < 2 * this.#room()) return
    this.#tail = [Buffer.from(Buffer.concat(this.#tail).subarray(-this.#room()))]
    this.#in_tail = this.#tail[0]?.length ?? 0
  }
}
