/** An HTTP proxy through which a command without network reaches named hosts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'

export interface Proxy extends AsyncDisposable {
  /** The path of the Unix socket on which the proxy listens. */
  readonly socket: string
  /** The hosts that the proxy refused, each as `HOST:PORT`. */
  readonly refused: ReadonlySet<string>
}

/** The host and the port of a request, both from the same URL. */
interface Target {
  readonly host: string
  readonly port: number
}

/** The maximum number of refused hosts that burn keeps. */
const maxRefused = 20

/**
 * Opens a proxy for these hosts. A host is a name, an address, or `*.` with a domain, and may end with a port; without a port it has the ports
 * 80 and 443. Throws Node's error if the proxy cannot listen.
 */
export async function openProxy(hosts: readonly string[]): Promise<Proxy> {
  // The folder is not below the folder of sprints, because the path of a socket must be shorter than 108 bytes.
  const dir = await mkdtemp(join(tmpdir(), 'burn-proxy-'))
  const socket = join(dir, 'socket')
  const refused = new Set<string>()
  const sockets = new Set<Duplex>()
  const keep = <T extends Duplex>(one: T): T => {
    sockets.add(one)
    one.once('close', () => sockets.delete(one))
    return one
  }
  const isAllowed = (target: Target) => {
    const allowed = hosts.some((host) => matches(host.toLowerCase(), target))
    if (!allowed && refused.size < maxRefused) refused.add(`${target.host}:${target.port}`)
    return allowed
  }
  const server = createServer((request, response) => {
    const target = targetOf(request.url ?? '', 80)
    if (target !== null && isAllowed(target)) forward(target, request, response)
    else response.writeHead(403).end('burn refuses this host: sprint.sandbox.setup_hosts does not name it\n')
  })
  server.on('connection', keep)
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const target = targetOf(`http://${request.url ?? ''}`, 80)
    if (target === null || !isAllowed(target)) client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    else tunnel(keep(connect(target.port, target.host)), client, head)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  return {
    socket,
    refused,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const one of sockets) one.destroy()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function targetOf(url: string, defaultPort: number): Target | null {
  if (!URL.canParse(url)) return null
  const { hostname, port, protocol } = new URL(url)
  // URL writes an IPv6 address with brackets.
  return protocol === 'http:' ? { host: hostname.replace(/^\[|\]$|\.$/g, ''), port: Number(port || defaultPort) } : null
}

function matches(pattern: string, { host, port }: Target): boolean {
  const [, name = '', only] = /^(.+?)(?::(\d+))?$/.exec(pattern) ?? []
  if (only === undefined ? port !== 80 && port !== 443 : port !== Number(only)) return false
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name
}

/** Sends a request without TLS to its host. The header `Host` is that of the URL, so that no allowed server passes it on to another one. */
function forward({ host, port }: Target, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search, host: header } = new URL(request.url ?? '')
  const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers
  const options = { host, port, method: request.method, path: pathname + search, headers: { ...headers, host: header }, agent: false }
  const upstream = httpRequest(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    pipeline(answer, response, () => undefined)
  })
  upstream.on('error', (error) => (response.headersSent ? response.destroy() : response.writeHead(502).end(`${error.message}\n`)))
  response.on('close', () => upstream.destroy())
  request.pipe(upstream)
}

function tunnel(upstream: Socket, client: Duplex, head: Buffer): void {
  upstream.once('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    upstream.write(head)
    pipeline(client, upstream, client, () => undefined)
  })
  upstream.once('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
  client.on('error', () => upstream.destroy())
}

/** The paths in the sandbox of the proxy's socket and of the Node program that runs `relayScript`. */
const mounted = { socket: '/run/burn-proxy', node: '/run/burn-node' }

/**
 * A program inside the sandbox that listens on a loopback port, relays connections to the proxy's socket, and runs a command whose proxy
 * variables name that port. A command has a network of its own, so it cannot reach a port of burn.
 */
const relayScript = `
const { connect, createServer } = require('node:net')
const [socket, program, ...args] = process.argv.slice(1)
const server = createServer((client) => {
  const upstream = connect(socket)
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  client.pipe(upstream).pipe(client)
})
server.listen(0, '127.0.0.1', () => {
  const url = 'http://127.0.0.1:' + server.address().port
  const names = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']
  const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, url])), NODE_USE_ENV_PROXY: '1' }
  const child = require('node:child_process').spawn(program, args, { stdio: 'inherit', env })
  child.on('error', (error) => { console.error(error.message); process.exit(127) })
  child.on('exit', (code, signal) => (signal === null ? process.exit(code) : process.kill(process.pid, signal)))
})
`

/** Returns the mounts that a command needs to reach the proxy, as arguments of bubblewrap. */
export function proxyMounts({ socket }: Pick<Proxy, 'socket'>): string[] {
  return ['--ro-bind', socket, mounted.socket, '--ro-bind', process.execPath, mounted.node]
}

/** Returns the argv that runs a command in the sandbox with the proxy. */
export function proxiedArgv(argv: readonly string[]): string[] {
  return [mounted.node, '-e', relayScript, '--', mounted.socket, ...argv]
}
