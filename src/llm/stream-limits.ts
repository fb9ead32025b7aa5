/** Bounds on what an endpoint or an agent sends: nobody's stream may fill this process's memory. */
import { BurnError } from '../core/errors.ts'

/** Bytes of one event of a stream, and of a whole answer that is no stream. */
export const mostEvent = 4 * 1024 * 1024
/** Bytes of one stream: a long answer of tiny pieces, or all that an agent prints in a turn. */
export const mostStream = 256 * 1024 * 1024

/** The error for a stream that has no end, or an event that has none. */
export function floodError(what: string, most: number): BurnError {
  return new BurnError('too_much', `${what} has more than ${Math.round(most / 1024 / 1024)} MiB`, 'see what that endpoint sends')
}

/** The same bytes, each piece reported to `heard`. Errors with BurnError `too_much`, which closes the connection, if an event or the stream is too long. */
export function boundedBody(body: ReadableStream<Uint8Array>, heard: () => void): ReadableStream<Uint8Array> {
  const events = new EventSize()
  let total = 0
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, out) {
        // Comments that keep a connection alive are signs of life too.
        heard()
        total += piece.length
        if (total > mostStream) throw floodError('its stream', mostStream)
        if (events.add(piece) > mostEvent) throw floodError('one event of its stream', mostEvent)
        out.enqueue(piece)
      },
    }),
  )
}

/** Counts the bytes since the last empty line, which ends an event. */
class EventSize {
  #size = 0
  #last: Buffer = Buffer.alloc(0)

  add(piece: Uint8Array): number {
    // An empty line may begin at the end of the piece before.
    const seen = Buffer.concat([this.#last, piece])
    const end = Math.max(...['\n\n', '\r\n\r\n', '\r\r'].map((line) => seen.lastIndexOf(line)))
    this.#size = end < 0 ? this.#size + piece.length : seen.length - end
    this.#last = seen.subarray(-3)
    return this.#size
  }
}

/** Splits a text that comes in pieces into lines. What it holds is bounded, and a long line costs no more time than many short ones. */
export class Lines {
  readonly #line: (text: string) => void
  readonly #most: number
  #rest: string[] = []
  #held = 0

  /** `most`: characters of one line. */
  constructor(most: number, line: (text: string) => void) {
    this.#most = most
    this.#line = line
  }

  /** Returns false once a line is too long; it is dropped. */
  add(piece: string): boolean {
    const end = piece.lastIndexOf('\n')
    if (end >= 0) {
      for (const line of (this.#rest.join('') + piece.slice(0, end)).split('\n')) this.#line(line)
      this.#rest = []
      this.#held = 0
    }
    const rest = piece.slice(end + 1)
    this.#held += rest.length
    if (this.#held <= this.#most) this.#rest.push(rest)
    else this.#rest = []
    return this.#held <= this.#most
  }

  /** Hands on what has no line end. */
  end(): void {
    const rest = this.#rest.join('')
    this.#rest = []
    if (rest !== '') this.#line(rest)
  }
}
