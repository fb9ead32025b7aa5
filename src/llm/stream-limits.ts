/** Limits the size of responses and streams, so that no endpoint or agent can fill burn's memory. */
import { BurnError } from '../core/errors.ts'

/** The maximum number of bytes in one event of a stream, or in a response that is not streamed. */
export const maxEventBytes = 4 * 1024 * 1024
/** The maximum size of one stream: bytes of a response, or characters that an agent prints in one turn. */
export const maxStreamSize = 256 * 1024 * 1024

/** Returns the BurnError `too_much` for a response, stream or event that is too large. */
export function tooLargeError(subject: string, maxBytes: number): BurnError {
  return new BurnError(
    'too_much',
    `${subject} is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`,
    'find out why the endpoint or the agent sends so much data',
  )
}

/**
 * Returns a stream of the same bytes, and calls `onBytes` for each chunk. If an event or the stream is too large, the stream fails with
 * BurnError `too_much`, which closes the connection.
 */
export function boundedBody(body: ReadableStream<Uint8Array>, onBytes: () => void): ReadableStream<Uint8Array> {
  const events = new EventSize()
  let total = 0
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, out) {
        // Keep-alive comments also show that the server is alive.
        onBytes()
        total += piece.length
        if (total > maxStreamSize) throw tooLargeError('the stream', maxStreamSize)
        if (events.add(piece) > maxEventBytes) throw tooLargeError('one event of the stream', maxEventBytes)
        out.enqueue(piece)
      },
    }),
  )
}

/** Counts the bytes since the last empty line. An empty line ends an event. */
class EventSize {
  #size = 0
  #tail: Buffer = Buffer.alloc(0)

  add(piece: Uint8Array): number {
    // The empty line may begin in the previous piece.
    const seen = Buffer.concat([this.#tail, piece])
    const end = Math.max(...['\n\n', '\r\n\r\n', '\r\r'].map((line) => seen.lastIndexOf(line)))
    this.#size = end < 0 ? this.#size + piece.length : seen.length - end
    this.#tail = seen.subarray(-3)
    return this.#size
  }
}

/** Splits streamed text into lines. The class needs limited memory, and time that is linear in the size of the text. */
export class Lines {
  readonly #onLine: (text: string) => void
  readonly #maxChars: number
  #partial: string[] = []
  #partialChars = 0

  constructor(maxChars: number, onLine: (text: string) => void) {
    this.#maxChars = maxChars
    this.#onLine = onLine
  }

  /** Adds a piece of text. Returns false if a line has more than `maxChars` characters, and drops that line. */
  add(piece: string): boolean {
    const end = piece.lastIndexOf('\n')
    if (end >= 0) {
      for (const line of (this.#partial.join('') + piece.slice(0, end)).split('\n')) this.#onLine(line)
      this.#partial = []
      this.#partialChars = 0
    }
    const partial = piece.slice(end + 1)
    this.#partialChars += partial.length
    if (this.#partialChars <= this.#maxChars) this.#partial.push(partial)
    else this.#partial = []
    return this.#partialChars <= this.#maxChars
  }

  /** Passes the last line to `onLine`, if that line has no line end. */
  end(): void {
    const partial = this.#partial.join('')
    this.#partial = []
    if (partial !== '') this.#onLine(partial)
  }
}
