/** Server-sent events, as the WHATWG HTML standard writes them: only their data is needed here. */
import { BurnError } from '../core/errors.ts'

/** One event's data may not be longer. */
const longest = 16 * 1024 * 1024

/** The data of each event of a stream, as it comes. What is left without an empty line at the end is no event. */
export async function* eventsIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true })
    if (rest.length > longest) throw new BurnError('backend_failed', 'an event of its stream has no end', 'is that a gateway of Hermes?')
    // A lone CR at the end may be the first half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
