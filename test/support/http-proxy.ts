/** A forward proxy, and a reverse proxy that asks for a header. Both are real HTTP servers on loopback. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Certificates } from './certificates.ts'

/** A forward proxy for which every host name means this machine. */
export interface ForwardProxy {
  /** `127.0.0.1:<port>`. */
  readonly address: string
  /** The method and target of each request, as received. */
  readonly log: string[]
}

/** Starts a forward proxy. If `login` (`user:password`) is set, the proxy refuses every other request with 407. */
export async function startForwardProxy(t: TestContext, login: string | null = null): Promise<ForwardProxy> {
  const log: string[] = []
  const isAllowed = ({ method, url, headers }: IncomingMessage) => {
    log.push(`${method} ${url}`)
    return login === null || headers['proxy-authorization'] === `Basic ${Buffer.from(login).toString('base64')}`
  }
  const server = createServer((incoming, response) => {
    if (!isAllowed(incoming)) return response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()
    const { pathname, search, port } = new URL(incoming.url ?? '')
    return forward(incoming, response, { port, path: `${pathname}${search}` })
  })
  server.on('connect', (incoming, socket: Socket) => {
    socket.on('error', () => socket.destroy())
    if (!isAllowed(incoming))
      return socket.end('HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    const target = connect(Number((incoming.url ?? '').split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('close', () => target.destroy())
    return undefined
  })
  return { address: `127.0.0.1:${await listen(t, server)}`, log }
}

/** How a reverse proxy serves: with TLS, or only for requests that have a header. */
export interface ReverseProxyOptions {
  readonly certificates?: Certificates
  /** The header (lower case) that each request needs, and its value. */
  readonly header?: { readonly name: string; value: string }
}

/** Starts a reverse proxy in front of a server, and returns its port. It sends requests without the header to a login page. */
export async function startReverseProxy(t: TestContext, url: string, options: ReverseProxyOptions): Promise<number> {
  const { port } = new URL(url)
  const { certificates, header } = options
  const answer = (incoming: IncomingMessage, response: ServerResponse) => {
    if (header !== undefined && incoming.headers[header.name] !== header.value)
      return response.writeHead(302, { location: 'http://login.test/' }).end()
    return forward(incoming, response, { port, path: incoming.url ?? '/' })
  }
  return listen(t, certificates === undefined ? createServer(answer) : createTlsServer(certificates, answer))
}

function forward(incoming: IncomingMessage, response: ServerResponse, to: { readonly port: string; readonly path: string }): void {
  const { method, headers } = incoming
  const onward = request({ host: '127.0.0.1', ...to, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  incoming.pipe(onward)
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return (server.address() as AddressInfo).port
}
