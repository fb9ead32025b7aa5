/** Loaded before each test file. Makes promises and imports cheaper, and tracks what the file leaves open. */
import hooks from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import type { Server, Socket } from 'node:net'
import { subscribe } from 'node:diagnostics_channel'
import { useBundledPackages } from './packages.ts'

/**
 * Resources that `leftOpen` does not report by kind. Processes, servers and sockets are reported with details below; a closed server still
 * counts for a moment. Pipes are those of this process. The others end by themselves.
 */
const ignoredKinds = new Set([
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
 * Turns off Node's tracking of promises, which is expensive. The test runner uses it to find the test of an unhandled rejection; without
 * it, the rejection fails the file. A version of Node without this option ignores it.
 */
const { createHook } = hooks
const cheap = { trackPromises: false }
Object.assign(hooks, { createHook: (callbacks: hooks.HookCallbacks) => createHook({ ...callbacks, ...cheap }) })

const packages = process.env['BURN_PACKAGES']
if (packages !== undefined) useBundledPackages(packages)

const children: ChildProcess[] = []
const servers: Server[] = []
const sockets: WeakRef<Socket>[] = []

subscribe('child_process', (message) => children.push((message as { process: ChildProcess }).process))
subscribe('tracing:net.server.listen:asyncEnd', (message) => servers.push((message as { server: Server }).server))
for (const channel of ['net.client.socket', 'net.server.socket'])
  subscribe(channel, (message) => sockets.push(new WeakRef((message as { socket: Socket }).socket)))

/** Whether a socket keeps the process alive. An idle keep-alive connection does not. */
function keepsAlive(socket: Socket | undefined): boolean {
  const { _handle: handle } = (socket ?? {}) as { readonly _handle?: { hasRef(): boolean } | null }
  return handle?.hasRef() === true
}

/** Returns the resources that the tests left open. Without a forced exit they would keep the process alive. */
export function leftOpen(): string[] {
  const kinds = process.getActiveResourcesInfo().filter((kind) => !ignoredKinds.has(kind))
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
