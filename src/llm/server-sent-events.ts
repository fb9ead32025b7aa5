/** Server-sent events, as the WHATWG HTML standard writes them: only their data is needed here. */
/** The data of each event of a stream, as it comes. What is left without an empty line at the end is no event. The body bounds an event (`llm/body`). */
export async function* readServerSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest: string[] = []
  let data: string[] = []
  for await (const piece of body) {
    rest.push(decoder.decode(piece, { stream: true }))
    // A long line is joined once, at its end, and not with every piece.
    if (!/[\r\n]/.test(rest.at(-1) ?? '')) continue
    // A lone CR at the end may be the first half of a CRLF.
    const lines = rest.join('').split(/\r\n|\n|\r(?!$)/)
    rest = [lines.pop() ?? '']
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}
