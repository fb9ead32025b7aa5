/** Stores texts outside the JavaScript heap, because a million strings would slow down garbage collection. */

/** Number of bytes per allocated block. */
const block = 4 * 1024 * 1024
/** Number of spare bytes after a text, so that a slightly longer text can replace it in the same place. */
const spare = 64

interface Place {
  readonly bytes: Buffer
  readonly from: number
}

/** A list of texts whose bytes are in buffers outside the JavaScript heap. */
export class OffHeapTexts {
  readonly #blocks: Buffer[] = []
  #left = 0
  // Four arrays, indexed by text: its block, and in bytes its offset in the block, its length and its reserved length.
  readonly #block: number[] = []
  readonly #from: number[] = []
  readonly #length: number[] = []
  readonly #room: number[] = []

  /** Adds a text, and returns its number. The first text has the number 0, and each further text has the next number. */
  add(text: string): number {
    return this.#put(this.#from.length, text)
  }

  /** Replaces the text with this number. Writes the new text to the same place if it fits there. */
  replace(number: number, text: string): void {
    const length = Buffer.byteLength(text)
    if (length > (this.#room[number] ?? 0)) this.#put(number, text)
    else {
      const { bytes, from } = this.#place(number)
      bytes.write(text, from)
      this.#length[number] = length
    }
  }

  /** Returns the text with this number. Throws RangeError if there is none. */
  text(number: number): string {
    const { bytes, from } = this.#place(number)
    return bytes.toString('utf8', from, from + (this.#length[number] ?? 0))
  }

  #put(number: number, text: string): number {
    const length = Buffer.byteLength(text)
    const room = length + spare
    if (room > this.#left) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(block, room))
      this.#blocks.push(bytes)
      this.#left = bytes.length
    }
    const bytes = this.#blocks.at(-1)!
    const from = bytes.length - this.#left
    bytes.write(text, from)
    this.#left -= room
    this.#block[number] = this.#blocks.length - 1
    this.#from[number] = from
    this.#length[number] = length
    this.#room[number] = room
    return number
  }

  #place(number: number): Place {
    const bytes = this.#blocks[this.#block[number] ?? -1]
    if (bytes === undefined) throw new RangeError(`there is no text ${number}`)
    return { bytes, from: this.#from[number] ?? 0 }
  }
}
