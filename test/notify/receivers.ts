/** Receivers of notifications on loopback: HTTP and mail servers that can misbehave. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Certificates } from '../support/certificates.ts'

type Test = Pick<TestContext, 'after'>

/** A request that a receiver got. */
export interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** How a receiver answers: a status, a redirect, half an answer, or no answer. */
export type Answer = number | { readonly to: string } | { readonly retry_after: string } | 'half' | 'hang'

/** An HTTP server that keeps what it receives. */
export interface Receiver {
  readonly url: string
  readonly received: Received[]
  answer: Answer
}

/** Starts an HTTP receiver; with certificates, an HTTPS receiver. It answers 200 until a test sets another answer. */
export async function startReceiver(t: Test, tls: Certificates | null = null): Promise<Receiver> {
  const received: Received[] = []
  const listener: RequestListener = (request, response) => {
    // Each request gets its own connection, so that no connection outlives the test.
    response.shouldKeepAlive = false
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body })
      const { answer } = receiver
      if (answer === 'hang') return
      if (answer === 'half') {
        response.writeHead(200, { 'content-length': '100' }).write('half')
        setImmediate(() => response.destroy())
      } else if (typeof answer === 'number') response.writeHead(answer).end('{"secret":"echo"}')
      else if ('to' in answer) response.writeHead(307, { location: answer.to }).end()
      else response.writeHead(429, { 'retry-after': answer.retry_after }).end()
    })
  }
  const server = tls === null ? createServer(listener) : createTlsServer({ key: tls.key, cert: tls.cert }, listener)
  const receiver: Receiver = { url: `http${tls === null ? '' : 's'}://127.0.0.1:${await listen(t, server)}`, received, answer: 200 }
  return receiver
}

/** A mail as a server received it. */
export interface Mail {
  readonly user: string | null
  readonly from: string
  readonly to: readonly string[]
  readonly data: string
}

/** The replies of a mail server to commands, or to whole lines, in place of its usual replies. `hang`: no reply. `drop`: no connection. */
export type Replies = Readonly<Record<string, string>>

/** A mail server that keeps what it receives. */
export interface MailServer {
  readonly port: number
  readonly received: Mail[]
  /** All lines of commands that came over a connection without TLS. */
  readonly open_lines: string[]
  replies: Replies
}

/** Starts a mail server. With certificates it offers STARTTLS; with `implicit` it speaks TLS from the start. */
export async function startMailServer(t: Test, tls: (Certificates & { readonly implicit?: boolean }) | null = null): Promise<MailServer> {
  const mails: MailServer = { port: 0, received: [], open_lines: [], replies: {} }
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    const first = tls?.implicit === true ? secured(socket, tls) : socket
    talk(first, mails, tls)
    first.write('220 mail.test ESMTP\r\n')
  })
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  return Object.assign(mails, { port: await listen(t, server) })
}

function secured(socket: Socket, { key, cert }: Certificates): TLSSocket {
  const over = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) })
  over.on('error', () => over.destroy())
  return over
}

function talk(socket: Socket, mails: MailServer, tls: Certificates | null): void {
  const isSecure = socket instanceof TLSSocket
  let [buffer, data, isData] = ['', '', false]
  const mail = { user: null as string | null, from: '', to: [] as string[] }
  const usual: Readonly<Record<string, (line: string) => string>> = {
    EHLO: () => `250-mail.test\r\n${tls !== null && !isSecure ? '250-STARTTLS\r\n' : ''}250 AUTH PLAIN`,
    AUTH: (line) => ((mail.user = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString()), '235 ok'),
    MAIL: (line) => ((mail.from = line), '250 ok'),
    RCPT: (line) => (mail.to.push(line), '250 ok'),
    DATA: () => ((isData = true), '354 go on'),
    STARTTLS: () => (tls === null ? '502 no TLS here' : '220 go on'),
    QUIT: () => '221 bye',
  }
  const onLine = (line: string): void => {
    if (isData) {
      if (line !== '.') return void (data += `${line}\r\n`)
      isData = false
      const reply = mails.replies['END'] ?? '250 ok'
      if (reply.startsWith('250') || reply === 'hang' || reply === 'drop') mails.received.push({ ...mail, data })
      if (reply === 'drop') socket.destroy()
      else if (reply !== 'hang') socket.write(`${reply}\r\n`)
      return undefined
    }
    if (!isSecure) mails.open_lines.push(line)
    const word = line.split(' ')[0]?.toUpperCase() ?? ''
    const reply = mails.replies[line] ?? mails.replies[word] ?? usual[word]?.(line) ?? '250 ok'
    if (reply === 'hang') return
    if (word === 'DATA' && !reply.startsWith('3')) isData = false
    socket.write(`${reply}\r\n`)
    if (word === 'STARTTLS' && tls !== null) {
      socket.removeAllListeners('data')
      talk(secured(socket, tls), mails, tls)
    }
    if (word === 'QUIT') socket.end()
  }
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    buffer += chunk.toString()
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      onLine(line)
    }
  })
}

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections()
    server.close()
    return once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}
