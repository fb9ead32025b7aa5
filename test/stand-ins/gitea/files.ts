/** Sends files, such as logs, with support for ranges. */
import type { ServerResponse } from 'node:http'
import type { ServedFile } from './calls.ts'

const partSize = 64 * 1024

/** Sends a file, or the end of it if the header `Range` asks for its last bytes. Stops as soon as the client closes the connection. */
export function sendFile(response: ServerResponse, file: ServedFile, range: string | null): void {
  const [, last] = /^bytes=-(\d+)$/.exec(range ?? '') ?? []
  const from = last === undefined ? 0 : Math.max(0, file.size - Number(last))
  const partial = last !== undefined && file.size > 0
  response.writeHead(partial ? 206 : 200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(file.size - from),
    ...(partial ? { 'content-range': `bytes ${from}-${file.size - 1}/${file.size}` } : {}),
  })
  let at = from
  const next = () => {
    if (response.destroyed) return
    if (at >= file.size) return void response.end()
    const to = Math.min(file.size, at + partSize)
    const part = file.part(at, to)
    at = to
    response.write(part, next)
  }
  next()
}
