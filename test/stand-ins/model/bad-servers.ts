/** Imitates servers that hang, stream for ever, redirect, or are no servers of models at all. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ModelState } from '../../../src/core/model.ts'

type Answer = (response: ServerResponse) => unknown

/** A server with one fault. The rest of it works. */
export interface BadServer {
  readonly name: string
  /** The answer to the question for the list of models; absent if it is right. */
  readonly list?: Answer
  /** The answer to a question to the model. */
  readonly chat?: Answer
  /** The state that a check finds. */
  readonly state: ModelState
}

const end =
  (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body)
const page = end('<html>It works!</html>', 200, { 'content-type': 'text/html' })
const moved = end('', 307, { location: 'http://198.51.100.7/' })
const queue = 'server busy, please try again.  maximum pending requests exceeded'

/** Sends data as fast as the client reads it. */
const flood: Answer = (response) => {
  const piece = 'x'.repeat(64 * 1024)
  const more = () => {
    while (!response.destroyed && response.write(piece));
    response.once('drain', more)
  }
  more()
}

/** The servers, each with a fault in the list or in the answer of the model. */
export const badServers: readonly BadServer[] = [
  { name: 'a web page', list: page, state: 'error' },
  { name: 'a redirect', list: moved, state: 'error' },
  { name: 'another JSON', list: end('{"models": 3}'), state: 'error' },
  { name: 'a server that loads', list: end('{"error":{"message":"Loading model","code":503}}', 503), state: 'loading' },
  { name: 'an endless list', list: flood, state: 'error' },
  { name: 'a page as the answer', chat: page, state: 'error' },
  { name: 'a redirected question', chat: moved, state: 'error' },
  { name: 'an answer that never ends', chat: (response) => response.write('data: {"choices":[]}\n\n'), state: 'error' },
  { name: 'an endless answer', chat: flood, state: 'error' },
  { name: 'a hang', chat: () => {}, state: 'busy' },
  { name: 'a full queue', chat: end(JSON.stringify({ error: queue }), 503), state: 'busy' },
  { name: 'no memory', chat: end('{"error":"model requires more system memory"}', 500), state: 'error' },
  {
    name: 'a failed Hermes',
    chat: end('{"choices":[{"message":{"content":"x"},"finish_reason":"error"}],"hermes":{"failed":true}}'),
    state: 'error',
  },
  { name: 'a broken connection', chat: (response) => response.destroy(), state: 'error' },
]

const right = end(JSON.stringify({ object: 'list', data: [{ id: 'm', object: 'model', owned_by: 'me' }] }))

/** Starts a server, whose model is called `m`. Returns its address, with `/v1` at its end. */
export async function startBadServer({ list = right, chat = page }: BadServer): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(({ url }, response) => {
    if (url === '/v1/models') list(response)
    else if (url === '/v1/chat/completions') chat(response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close }
}
