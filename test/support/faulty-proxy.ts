/** Imitates network failures between burn and PostgreSQL, and servers of other versions. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/**
 * `lose commits`: cuts the connection before a commit reaches the server. `lose answers`: cuts it after the commit. `silent`: drops all
 * bytes.
 */
export type NetworkFault = 'fair' | 'silent' | 'lose commits' | 'lose answers'

/** A proxy between burn and a server. A test can set its fault at any time. */
export interface FaultyProxy extends AsyncDisposable {
  /** The URL of the server through the proxy. */
  readonly url: string
  fault: NetworkFault
}

const isCommit = (bytes: Buffer) => bytes.includes('commit\0')

/** Starts a proxy in front of a server. */
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
      if (proxy.fault === 'silent') return
      if (proxy.fault === 'lose commits' && isCommit(bytes)) return cut()
      committing = proxy.fault === 'lose answers' && isCommit(bytes)
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (proxy.fault === 'silent') return
      if (committing) return cut()
      client.write(bytes)
    })
  })
  const url = new URL(target)
  url.port = String(await listening(server))
  const proxy: FaultyProxy = {
    url: url.toString(),
    fault: 'fair',
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
  return proxy
}

/** Starts a server that answers every query with one row: `version`, as PostgreSQL's `server_version_num`. */
export async function serverOfVersion(version: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const message = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, body])
  }
  const ready = message('Z', Buffer.from('I'))
  const authenticated = message('R', Buffer.alloc(4))
  // A row description with one column of type text, in PostgreSQL's wire format.
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
