/** Sends HTTP requests through `ssh -W`: ssh connects the machine to the server, and burn speaks HTTP over the streams of ssh. */
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Duplex, Readable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Machine } from '../core/nouns.ts'
import type { FetchInit } from './fetch.ts'
import { BurnError } from '../core/errors.ts'
import { killGroup, spawnPiped, type PipedChild } from './exec.ts'
import { forwardArgv } from './transport.ts'
import { explainTransportFailure } from './transport-failure.ts'

/**
 * Sends a request through ssh. Follows no redirect. Throws BurnError `no_route` if ssh cannot reach the machine or may not forward, and an
 * error with a code of Node's network errors if the server does not answer.
 */
export async function fetchThroughSsh(machine: Pick<Machine, 'name' | 'transport'>, url: string, init: FetchInit): Promise<Response> {
  const target = new URL(url)
  const port = target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : Number(target.port)
  const child = spawnPiped(forwardArgv(machine, target.hostname, port))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (stderr = (stderr + piece).slice(-4_096)))
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(127))
    child.once('close', resolve)
  })
  const stream = streamOf(child)
  const kill = () => killGroup(child)
  init.signal?.addEventListener('abort', kill, { once: true })
  try {
    const message = await respond(target, stream, init)
    message.once('close', kill)
    const status = message.statusCode ?? 0
    if (status >= 300 && status < 400) throw new TypeError('unexpected redirect')
    const headers = Object.entries(message.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    )
    // The stream of Node's types and that of the Response differ only in their declarations.
    const body = Readable.toWeb(message) as ReadableStream<Uint8Array>
    return new Response([204, 205, 304].includes(status) ? null : body, { status, headers })
  } catch (thrown) {
    kill()
    if (init.signal?.aborted === true) throw init.signal.reason
    throw failureOf(stderr, await exited, machine.name) ?? thrown
  }
}

/** Returns the standard streams of a child as one stream, as a socket is. */
function streamOf(child: PipedChild): Duplex {
  const { stdin, stdout } = child
  const stream = new Duplex({
    read: () => stdout.resume(),
    write: (chunk, _, done) => stdin.write(chunk, done),
    final: (done) => stdin.end(done),
    destroy: (error, done) => {
      killGroup(child)
      done(error)
    },
  })
  stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause()
  })
  stdout.once('close', () => stream.push(null))
  return stream
}

function respond(target: URL, stream: Duplex, { method = 'GET', headers, body }: FetchInit): Promise<IncomingMessage> {
  const isTls = target.protocol === 'https:'
  const options: RequestOptions = {
    method,
    host: target.hostname,
    path: `${target.pathname}${target.search}`,
    headers: { ...Object.fromEntries(new Headers(headers)), host: target.host, connection: 'close' },
    createConnection: () => (isTls ? connectTls({ socket: stream, servername: target.hostname, ALPNProtocols: ['http/1.1'] }) : stream),
  }
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (isTls ? httpsRequest : httpRequest)(options, resolve)
    request.once('error', reject)
    request.end(typeof body === 'string' ? body : undefined)
  })
}

/** Returns the error that the messages of ssh show; null if ssh reported none. */
function failureOf(stderr: string, code: number | null, machine: string): Error | null {
  const [, reason] = /open failed: connect failed: ([^\r\n]+)/.exec(stderr) ?? []
  if (reason !== undefined) {
    const refused = /resolve|not known/i.test(reason) ? 'ENOTFOUND' : /timed out/i.test(reason) ? 'ETIMEDOUT' : 'ECONNREFUSED'
    return Object.assign(new Error(reason), { code: refused })
  }
  if (/prohibited|forwarding/i.test(stderr)) {
    const hint = 'install curl on that machine, or allow TCP forwarding in its sshd_config'
    return new BurnError('no_route', `${machine} has no curl, and its ssh server does not allow forwarding`, hint)
  }
  if (code !== 255) return null
  const failure = explainTransportFailure(stderr, code)
  return new BurnError('no_route', `burn cannot reach ${machine}: ${failure.reason}`, failure.hint)
}
