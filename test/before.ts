/** Loaded before every test file: makes promises cheap, and watches what the file opens. */
import hooks from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import type { Server, Socket } from 'node:net'
import { subscribe } from 'node:diagnostics_channel'

/**
 * These say more about themselves than their kind does: a server that was closed counts as one for a moment more. Pipes are those of the process;
 * the others end by themselves.
 */
const notSaid = new Set([
  'ProcessWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'PipeWrap',
  'TTYWrap',
  'FSReqPromise',
  'FSReqCallback',
  'CloseReq',
  'Immediate',
])
/**
 * Node's test runner follows every promise, to know which test a rejection belongs to. That took a third of the CPU of the tests. Without it, a
 * rejection that nobody handles fails its file. A Node that does not know the option follows promises as before.
 */
const { createHook } = hooks
const cheap = { trackPromises: false }
Object.assign(hooks, { createHook: (callbacks: hooks.HookCallbacks) => createHook({ ...callbacks, ...cheap }) })

const children: ChildProcess[] = []
const servers: Server[] = []
const sockets: WeakRef<Socket>[] = []

subscribe('child_process', (message) => children.push((message as { process: ChildProcess }).process))
subscribe('tracing:net.server.listen:asyncEnd', (message) => servers.push((message as { server: Server }).server))
for (const channel of ['net.client.socket', 'net.server.socket'])
  subscribe(channel, (message) => sockets.push(new WeakRef((message as { socket: Socket }).socket)))

/** A connection that is kept for a next request keeps no process alive. */
function keepsAlive(socket: Socket | undefined): boolean {
  const { _handle: handle } = (socket ?? {}) as { readonly _handle?: { hasRef(): boolean } | null }
  return handle?.hasRef() === true
}

/** Names what the tests left open: without a forced exit it would keep the process alive. */
export function leftOpen(): string[] {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !notSaid.has(kind))
  const running = children.filter(({ pid, exitCode, signalCode }) => pid !== undefined && exitCode === null && signalCode === null)
  const listening = servers.filter((server) => server.listening)
  const connected = sockets.filter((socket) => keepsAlive(socket.deref()))
  return [
    ...new Set(kinds),
    ...running.map(({ pid, spawnargs }) => `process ${pid} (${spawnargs.join(' ').slice(0, 100)})`),
    ...listening.map((server) => `a server on ${JSON.stringify(server.address())}`),
    ...(connected.length > 0 ? [`${connected.length} connections`] : []),
  ]
}
