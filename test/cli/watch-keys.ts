/** Presses keys of `burn watch` in a real terminal. `send.test.ts` calls it with its fleet, because starting a fleet takes long. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { command, compiled, until, type Fleet } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

/** Checks the screen of a fleet in which BEN waits for an approval and ANN is idle. */
export async function pressKeys(t: TestContext, fleet: Fleet): Promise<void> {
  const socket = privateSocket(t)
  const env = [`BURN_SPEC=${fleet.dir}/fleet-spec.json`, `HOME=${fleet.dir}/home`, `NODE_COMPILE_CACHE=${compiled}`]
  const watch = ['env', '-u', 'TMUX', ...env, process.execPath, command, 'watch'].map((word) => `'${word}'`).join(' ')
  // `cat` after the command shows whether the terminal echoes.
  tmuxOn(socket, '-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', `echo before; ${watch}; echo exit $?; exec cat`)
  const screen = () => tmuxOn(socket, 'capture-pane', '-p', '-t', ':')
  const shows = (what: string, pattern: RegExp) =>
    until(what, () => pattern.test(screen())).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${screen()}`)
    })
  const keys = (...names: readonly string[]) => tmuxOn(socket, 'send-keys', '-t', ':', ...names)
  const resize = (width: number, height: number) => tmuxOn(socket, 'resize-window', '-t', ':', '-x', String(width), '-y', String(height))

  await shows('the waiting worker is first', /\n> BEN +waiting: approval .*\n {2}ANN +idle/)
  keys('a')
  await shows('its question', /BEN is waiting: approval\n[^]*1\. Allow once[^]*words or "cancel": _/)
  keys('1', 'Enter')
  await shows('the answer was accepted', /BEN accepted the answer and is \w+/)
  keys('/', 'a', 'n', 'n', 'Enter')
  await shows('the filtered list', /\n> ANN +idle[^]*filter ann: 1 of 2/)
  keys('Enter')
  await shows('the pane of the worker', /⚕ stand-in/)
  keys('C-b', 'd')
  await shows('the list again', /filter ann: 1 of 2/)
  resize(20, 5)
  await shows('the terminal is too small', /Terminal too small/)
  resize(80, 24)
  await shows('the list in a larger terminal', /\n> ANN/)
  keys('C-c')
  await shows('the old content, and exit code 0', /^before\n[^\n]*detached[^\n]*\nexit 0\n/)
  keys('typed', 'Enter')
  await shows('the terminal echoes again', /typed\ntyped\n/)
  assert.equal(tmuxOn(socket, 'display-message', '-p', '-t', ':', '#{alternate_on} #{cursor_flag}').trim(), '0 1')
}
