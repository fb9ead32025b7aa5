/**
 * Sends one HTTP request, and follows no redirects. It uses Node's own client, which starts faster than fetch. Through a proxy it uses
 * undici, because Node's client cannot use proxies before Node 22.21.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { readFile } from 'node:fs/promises'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'
import { proxyFor, type Env } from '../host/proxy.ts'

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
  /** If set, the client asks for the end of the answer, and keeps at most this number of bytes, even if the server sends more. */
  readonly tail_bytes?: number | undefined
}

/** The answer to a request, with any HTTP status. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The number of bytes before `body` that the client did not keep; 0 unless the request has `tail_bytes`. */
  readonly dropped: number
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

/** An answer whose body has not arrived yet. */
interface OpenAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: AsyncIterable<Buffer>
}

/** Sends a request until its headers arrive. */
type Client = (request: HttpRequest, signal: AbortSignal) => Promise<OpenAnswer>

/** The limits and the network settings of a client. */
export interface HttpOptions {
  /** The maximum number of connections. */
  readonly sockets: number
  /** The file with the CAs that the client trusts, in place of those of the system; null for these. */
  readonly ca_file?: string | null
  /** The environment, which may name a proxy. */
  readonly env?: Env
}

/**
 * Returns a client. It throws BurnError `forge_timeout`, `forge_unavailable` (no complete answer arrived), `forge_too_big`,
 * `forge_ca_file` or `proxy_invalid`. It returns an answer with an HTTP error status like any other answer.
 */
export function openHttp({ sockets, ca_file = null, env = {} }: HttpOptions): Http {
  const loading = new Map<string, Promise<Client>>()
  return async (request) => {
    const { url, timeout_ms, max_bytes, tail_bytes = null } = request
    const proxy = proxyFor(url, env)
    const key = `${url.protocol} ${proxy?.href ?? ''}`
    const client = loading.get(key) ?? load(url.protocol, proxy, { sockets, ca_file })
    loading.set(key, client)
    client.catch(() => loading.delete(key))
    const send = await client
    const signal = AbortSignal.timeout(timeout_ms)
    try {
      const { status, headers, body } = await send(request, signal)
      if (tail_bytes === null) return { status, headers, body: await readBody(body, max_bytes, url), dropped: 0 }
      const isTooBig = Number(headers['content-length']) > max_bytes
      return { status, headers, ...(await readTail(body, isTooBig ? 0 : max_bytes, tail_bytes, url)) }
    } catch (thrown) {
      throw httpError(thrown, { url, proxy, isLate: signal.aborted, timeout_ms })
    }
  }
}

/** Loads the client for the first request. Most commands send no request, and loading the client takes a quarter of the start time of a
 * command. */
async function load(protocol: string, proxy: URL | null, { sockets, ca_file }: Required<Omit<HttpOptions, 'env'>>): Promise<Client> {
  const tls = protocol === 'https:' && ca_file !== null ? { ca: await readCertificates(ca_file) } : {}
  return proxy === null ? loadDirect(protocol, sockets, tls) : loadProxied(proxy, sockets, tls)
}

async function loadDirect(protocol: string, sockets: number, tls: { readonly ca?: string }): Promise<Client> {
  const client = protocol === 'https:' ? await import('node:https') : await import('node:http')
  const agent = new client.Agent({ keepAlive: true, maxSockets: sockets, timeout: idle_ms, ...tls })
  return ({ method, url, headers, body, tail_bytes }, signal) =>
    new Promise((resolve, reject) => {
      const request = client.request(url, {
        method,
        agent,
        headers: { ...headers, ...payloadHeaders(body), ...rangeHeaders(tail_bytes) },
        signal,
      })
      request.once('error', reject)
      request.once('response', (response) => {
        // Without an encoding, every chunk of a response is a buffer.
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response as AsyncIterable<Buffer> })
      })
      request.end(body ?? undefined)
    })
}

async function loadProxied(proxy: URL, sockets: number, { ca }: { readonly ca?: string }): Promise<Client> {
  const { request, ProxyAgent } = await import('undici')
  const dispatcher = new ProxyAgent({
    uri: proxy.href,
    allowH2: false,
    connections: sockets,
    ...(ca === undefined ? {} : { requestTls: { ca } }),
  })
  return async ({ method, url, headers, body, tail_bytes }, signal) => {
    const all = { ...headers, ...payloadHeaders(body), ...rangeHeaders(tail_bytes) }
    const answer = await request(url, { method, dispatcher, headers: all, body, signal })
    if (answer.statusCode === 407) throw new Error('the proxy asks for a login (407)')
    return { status: answer.statusCode, headers: answer.headers, body: answer.body }
  }
}

function payloadHeaders(body: string | null): Readonly<Record<string, string>> {
  return body === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
}

/** Returns the header that asks for the end of an answer. A server may ignore the header. */
function rangeHeaders(tail_bytes: number | undefined): Readonly<Record<string, string>> {
  return tail_bytes === undefined ? {} : { range: `bytes=-${tail_bytes}` }
}

/** Returns the certificates of `forge.ca_file`. Throws BurnError `forge_ca_file` (exit 2) if the file has none. */
async function readCertificates(path: string): Promise<string> {
  const unusable = (why: string) => {
    const hint = 'put the certificate of the CA (PEM) into this file, or correct forge.ca_file in the spec'
    return new BurnError('forge_ca_file', `${path} ${why}`, hint, { exit: 2 })
  }
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw unusable(`can't be read: ${codeOf(thrown)}`)
  })
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw unusable('has no certificate')
  return text
}

async function readBody(body: AsyncIterable<Buffer>, limit: number, url: URL): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
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

/** Reads an answer to its end, and keeps the last bytes. Throws BurnError `forge_too_big` after `limit` bytes, and closes the connection. */
async function readTail(
  body: AsyncIterable<Buffer>,
  limit: number,
  tail_bytes: number,
  url: URL,
): Promise<Pick<HttpAnswer, 'body' | 'dropped'>> {
  let kept: Buffer[] = []
  let [size, keptSize] = [0, 0]
  for await (const chunk of body) {
    size += chunk.length
    keptSize += chunk.length
    if (size > limit)
      throw new BurnError('forge_too_big', `${url.host} sends the whole file instead of its end`, 'look at the file on the forge')
    kept.push(chunk)
    if (keptSize < 2 * tail_bytes) continue
    kept = [Buffer.concat(kept).subarray(-tail_bytes)]
    keptSize = tail_bytes
  }
  const end = Buffer.concat(kept).subarray(-tail_bytes)
  return { body: end.toString('utf8'), dropped: size - end.length }
}

/** Returns the first bytes as a copy, so that the rest does not stay in memory. */
function beginningOf(chunks: readonly Buffer[]): string {
  let size = 0
  const first = chunks.filter((chunk) => (size += chunk.length) - chunk.length < maxTruncatedBytes)
  return Buffer.concat(first).subarray(0, maxTruncatedBytes).toString('utf8')
}

/** The error codes of Node for a certificate that no trusted CA has signed. */
const untrusted = /^(?:UNABLE_TO_\w+|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/

interface FailedRequest {
  readonly url: URL
  readonly proxy: URL | null
  readonly isLate: boolean
  readonly timeout_ms: number
}

function httpError(thrown: unknown, { url, proxy, isLate, timeout_ms }: FailedRequest): BurnError {
  if (thrown instanceof BurnError) return thrown
  const cause = { cause: thrown }
  const through = proxy === null ? '' : ` through the proxy ${proxy.host}`
  if (isLate)
    return new BurnError(
      'forge_timeout',
      `${url.host} did not answer within ${timeout_ms} ms${through}`,
      'check the load of the forge, and any firewall between burn and the forge',
      cause,
    )
  const reason = messageOf(thrown) || codeOf(thrown) || 'connection failed'
  const hint = untrusted.test(codeOf(thrown))
    ? 'if a private CA signed the certificate of the forge, write the file with the certificate of the CA as forge.ca_file'
    : proxy === null
      ? 'check that forge.url is right and that the forge is up'
      : `check the proxy and its login in the environment, or add ${url.hostname} to no_proxy`
  return new BurnError('forge_unavailable', `${url.host} can't be reached${through}: ${reason}`, hint, cause)
}
