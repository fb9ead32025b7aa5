/** Parses server-sent events as the WHATWG HTML standard defines them. */

/**
 * Yields the data of each event. Drops an incomplete event at the end of the stream. The caller must limit the size of an event, as
 * `boundedBody` does.
 */
export async function* readServerSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let partial: string[] = []
  let data: string[] = []
  for await (const piece of body) {
    partial.push(decoder.decode(piece, { stream: true }))
    // Joins the pieces of a long line only when the line ends. Joining after each piece would take quadratic time.
    if (!/[\r\n]/.test(partial.at(-1) ?? '')) continue
    // A CR at the end of a piece may be the first half of a CRLF.
    const lines = partial.join('').split(/\r\n|\n|\r(?!$)/)
    partial = [lines.pop() ?? '']
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
