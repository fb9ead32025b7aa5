/** One HTTP request and its answer. Node's own client: it starts faster than fetch, and follows no redirect by itself. */
import type { Agent, IncomingHttpHeaders, IncomingMessage, request as requestOf } from 'node:http'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Milliseconds until the whole answer must be there. */
  readonly timeout_ms: number
  /** Bytes of an answer beyond which it is not read. */
  readonly max_bytes: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Http = (request: HttpRequest) => Promise<HttpAnswer>

/** Connections are kept for less than servers and proxies usually do, so that a write seldom meets one that was just closed. */
const idle_ms = 4_000

/** Bytes of an answer that is too big which its error keeps as its cause: what names it stands there. */
const keptOfTooBig = 4096

/**
 * A client that keeps `sockets` connections at most. Throws BurnError `forge_timeout`, `forge_unavailable` (no whole answer came) or
 * `forge_too_big`; any status that the server gives is an answer.
 */
export function openHttp(sockets: number): Http {
  const loading = new Map<string, Promise<Client>>()
  return async ({ method, url, headers, body, timeout_ms, max_bytes }) => {
    const { protocol } = url
    const client = loading.get(protocol) ?? load(protocol, sockets)
    loading.set(protocol, client)
    const { request: begin, agent } = await client
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeout_ms)
      const payload = body === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
      const request = begin(url, { method, agent, headers: { ...headers, ...payload }, signal })
      const fail = (thrown: unknown) => reject(failure(thrown, url, signal.aborted, timeout_ms))
      request.once('error', fail)
      request.once('response', (response) => {
        readBody(response, max_bytes, url).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          fail,
        )
      })
      request.end(body ?? undefined)
    })
  }
}

interface Client {
  readonly request: typeof requestOf
  readonly agent: Agent
}

/** Loaded by the first request: most commands make none, and it is a quarter of a command's start. */
async function load(protocol: string, sockets: number): Promise<Client> {
  const client = protocol === 'https:' ? await import('node:https') : await import('node:http')
  return { request: client.request, agent: new client.Agent({ keepAlive: true, maxSockets: sockets, timeout: idle_ms }) }
}

async function readBody(response: IncomingMessage, limit: number, url: URL): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  // Without an encoding, every chunk of a response is bytes.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) {
      throw new BurnError(
        'forge_too_big',
        `${url.host} answered with more than ${limit} bytes`,
        'an issue or a comment there is too big to be read',
        { cause: beginningOf([...chunks, chunk]) },
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Copied, so that nothing else of it stays in memory. */
function beginningOf(chunks: readonly Buffer[]): string {
  let size = 0
  const first = chunks.filter((chunk) => (size += chunk.length) - chunk.length < keptOfTooBig)
  return Buffer.concat(first).subarray(0, keptOfTooBig).toString('utf8')
}

function failure(thrown: unknown, url: URL, late: boolean, timeout_ms: number): BurnError {
  if (thrown instanceof BurnError) return thrown
  const cause = { cause: thrown }
  if (late)
    return new BurnError(
      'forge_timeout',
      `${url.host} did not answer within ${timeout_ms} ms`,
      'is the forge overloaded, or a firewall in between?',
      cause,
    )
  const reason = messageOf(thrown) || codeOf(thrown) || 'connection failed'
  return new BurnError('forge_unavailable', `${url.host} can't be reached: ${reason}`, 'is forge.url right, and the forge up?', cause)
}
