/** PostgreSQL servers and networks that fail, at the level of bytes. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/** `lose commits`: cut before they reach the server; `lose answers`: after the server has committed. `silent`: nothing gets through any more. */
export type NetworkFault = 'fair' | 'silent' | 'lose commits' | 'lose answers'

export interface FaultyProxy extends AsyncDisposable {
  /** The server's URL by way of this. */
  readonly url: string
  fault: NetworkFault
}

const isCommit = (bytes: Buffer) => bytes.includes('commit\0')

/** Stands between a client and a server. */
export async function startProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let committing = false
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        open.delete(socket)
        cut()
      })
    }
    client.on('data', (bytes) => {
      if (wire.fault === 'silent') return
      if (wire.fault === 'lose commits' && isCommit(bytes)) return cut()
      committing = wire.fault === 'lose answers' && isCommit(bytes)
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (wire.fault === 'silent') return
      if (committing) return cut()
      client.write(bytes)
    })
  })
  const url = new URL(target)
  url.port = String(await listening(server))
  const wire: FaultyProxy = {
    url: url.toString(),
    fault: 'fair',
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
  return wire
}

/** A server that says it is of this version (`server_version_num`), whatever it is asked. */
export async function serverOfVersion(version: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const message = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, body])
  }
  const ready = message('Z', Buffer.from('I'))
  const authenticated = message('R', Buffer.alloc(4))
  // One column of type text, and one row of it.
  const column = Buffer.concat([Buffer.from('\0\x01version\0'), Buffer.from('00000000000000000019ffffffffffff0000', 'hex')])
  const cell = Buffer.concat([Buffer.from([0, 1, 0, 0, 0, version.length]), Buffer.from(version)])
  const answer = Buffer.concat([message('T', column), message('D', cell), message('C', Buffer.from('SELECT 1\0')), ready])
  const server = createServer((client) => {
    client.on('error', () => client.destroy())
    client.once('data', () => {
      client.write(Buffer.concat([authenticated, ready]))
      client.on('data', (bytes) => void (bytes[0] === 'Q'.charCodeAt(0) ? client.write(answer) : client.end()))
    })
  })
  const port = await listening(server)
  return { url: `postgres://burn@127.0.0.1:${port}/burn`, [Symbol.asyncDispose]: async () => void server.close() }
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
