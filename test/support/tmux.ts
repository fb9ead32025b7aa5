/** Private tmux servers for tests. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** Returns the file of a socket. */
const fileOf = (socket: string) => join(process.env['TMUX_TMPDIR'] ?? '/tmp', `tmux-${process.getuid?.()}`, socket)

/** Returns the name of an unused socket. */
export const socketName = () => `burn-test-${randomBytes(6).toString('hex')}`

/** Returns the name of an unused socket. When the test ends, the server of this socket is ended. */
export function privateSocket(t: Pick<TestContext, 'after'>): string {
  const socket = socketName()
  t.after(() => endServer(socket))
  return socket
}

/** Ends the server of a socket, if there is one, and removes the socket, which tmux leaves. */
export function endServer(socket: string): void {
  // Many tests start no server, and each process that looks for one takes longer than this.
  const file = fileOf(socket)
  if (!existsSync(file)) return
  try {
    const pid = tmuxOn(socket, 'display-message', '-p', '#{pid}', ';', 'kill-server')
    endProcess(Number(pid))
  } catch {
    // It has already ended.
  }
  rmSync(file, { force: true })
}

/**
 * Ends a tmux server by the id of its process. After `kill-server` or SIGTERM, tmux 3.3a may wait for its clients in control mode for ever.
 */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}

/** Runs tmux on a socket, and returns its output. */
export function tmuxOn(socket: string, ...words: readonly string[]): string {
  return execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
