/** Sends one HTTP request. It uses Node's own client, which starts faster than fetch and follows no redirects. */
import type { Agent, IncomingHttpHeaders, IncomingMessage, request as requestOf } from 'node:http'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'

/** A request, with its limits. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** The maximum time (ms) until the whole answer has arrived. */
  readonly timeout_ms: number
  /** The maximum size (bytes) of the answer. */
  readonly max_bytes: number
}

/** The answer to a request, with any HTTP status. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends a request, and returns the answer. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>

/**
 * The time (ms) after which burn closes an idle connection. Most servers and proxies wait longer, so burn rarely writes to a closed
 * connection.
 */
const idle_ms = 4_000

/**
 * If an answer is too large, the cause of the error contains the answer's first bytes, up to this number. These bytes contain the number of
 * the issue.
 */
const maxTruncatedBytes = 4096

/**
 * Returns a client that opens at most `sockets` connections. It throws BurnError `forge_timeout`, `forge_unavailable` (no complete answer
 * arrived) or `forge_too_big`. It returns an answer with an HTTP error status like any other answer.
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
      const fail = (thrown: unknown) => reject(httpError(thrown, url, signal.aborted, timeout_ms))
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

/**
 * Loads the client for the first request. Most commands send no request, and loading the client takes a quarter of the start time of a
 * command.
 */
async function load(protocol: string, sockets: number): Promise<Client> {
  const client = protocol === 'https:' ? await import('node:https') : await import('node:http')
  return { request: client.request, agent: new client.Agent({ keepAlive: true, maxSockets: sockets, timeout: idle_ms }) }
}

async function readBody(response: IncomingMessage, limit: number, url: URL): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  // Without an encoding, every chunk of a response is a buffer.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) {
      throw new BurnError(
        'forge_too_big',
        `${url.host} answered with more than ${limit} bytes`,
        'on the forge, shorten the text of the issue or the comment',
        { cause: beginningOf([...chunks, chunk]) },
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Returns the first bytes as a copy, so that the rest does not stay in memory. */
function beginningOf(chunks: readonly Buffer[]): string {
  let size = 0
  const first = chunks.filter((chunk) => (size += chunk.length) - chunk.length < maxTruncatedBytes)
  return Buffer.concat(first).subarray(0, maxTruncatedBytes).toString('utf8')
}

function httpError(thrown: unknown, url: URL, isLate: boolean, timeout_ms: number): BurnError {
  if (thrown instanceof BurnError) return thrown
  const cause = { cause: thrown }
  if (isLate)
    return new BurnError(
      'forge_timeout',
      `${url.host} did not answer within ${timeout_ms} ms`,
      'check the load of the forge, and any firewall between burn and the forge',
      cause,
    )
  const reason = messageOf(thrown) || codeOf(thrown) || 'connection failed'
  const hint = 'check that forge.url is right and that the forge is up'
  return new BurnError('forge_unavailable', `${url.host} can't be reached: ${reason}`, hint, cause)
}
