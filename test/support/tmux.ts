/** A tmux server of a test's own, ended with the test. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'

/** Returns the name of a socket that nobody else uses. */
export const socketName = () => `burn-test-${randomBytes(6).toString('hex')}`

/** The name of a socket that nobody else uses; its server is ended when the test is. */
export function privateSocket(t: Pick<TestContext, 'after'>): string {
  const socket = socketName()
  t.after(() => endServer(socket))
  return socket
}

export function endServer(socket: string): void {
  try {
    execFileSync('tmux', ['-L', socket, 'kill-server'], { stdio: 'ignore' })
  } catch {
    // There is none any more: that is what was wanted.
  }
}

/** Ends a server that can't be reached at its socket. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended.
  }
}

/** Runs tmux as a person would, on a socket. Returns what it printed. */
export function tmuxOn(socket: string, ...words: readonly string[]): string {
  return execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
