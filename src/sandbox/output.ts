/** What is kept of a command's output: its beginning and its end, however much comes between. */

/** Where a command says more than this it is ended: nobody reads it, and it would go on until its time is up. */
const FLOOD = 64 * 1024 * 1024

/** A bounded buffer: the first half of `limit` bytes and the last. */
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

  /** False once it is a flood. */
  add(chunk: Buffer): boolean {
    this.#total += chunk.length
    const room = Math.ceil(this.#limit / 2) - this.#in_head
    const first = chunk.subarray(0, Math.max(0, room))
    if (first.length > 0) this.#head.push(Buffer.from(first))
    this.#in_head += first.length
    this.#keepLast(chunk.subarray(first.length))
    return this.#total <= FLOOD
  }

  /** Everything, or both ends with a line between that says how much is missing. */
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

  /** Pieces are joined only once they are twice the room, so that many small ones cost no more than few large ones. */
  #keepLast(chunk: Buffer): void {
    if (chunk.length === 0) return
    const last = Buffer.from(chunk.subarray(-this.#room()))
    this.#tail.push(last)
    this.#in_tail += last.length
    if (this.#in_tail < 2 * this.#room()) return
    this.#tail = [Buffer.from(Buffer.concat(this.#tail).subarray(-this.#room()))]
    this.#in_tail = this.#tail[0]?.length ?? 0
  }
}
