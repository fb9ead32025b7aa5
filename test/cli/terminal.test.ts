/** Every end of a process restores its terminal. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

const terminal = resolve(import.meta.dirname, '../../src/cli/terminal.ts')
/** Takes the terminal, draws on its alternate screen, and ends in one of several ways. */
const program = `
const { takeTerminal } = await import(${JSON.stringify(terminal)})
process.stdout.write('\\x1b[?1049h')
process.on('SIGTERM', () => process.exit(7))
takeTerminal({ onKeys: () => {}, onResize: () => {}, restore: () => process.stdout.write('\\x1b[?1049l') })
const ends = { exit: () => process.exit(3), thrown: () => { throw new Error('a bug') }, hangup: () => process.kill(process.pid, 'SIGHUP') }
setTimeout(ends[process.argv[1]], 5)
setTimeout(() => {}, 10_000)`

test('terminal: an exit, an exception and a hang-up restore it', async (t) => {
  const socket = privateSocket(t)
  const node = `'${process.execPath}' --input-type=module -e "$0"`
  const script = ['exit', 'thrown', 'hangup'].map((end) => `${node} ${end}; stty -a | grep -o -- '-*icanon'; echo ${end} ended`).join('; ')
  tmuxOn(socket, '-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '40', 'sh', '-c', `${script}; exec cat`, program)
  const screen = () => tmuxOn(socket, 'capture-pane', '-p', '-t', ':')
  await until('the last process has ended', () => screen().includes('hangup ended'))
  assert.equal(tmuxOn(socket, 'display-message', '-p', '-t', ':', '#{alternate_on}').trim(), '0')
  assert.match(screen(), /a bug/, 'the message is not on the alternate screen')
  assert.deepEqual(screen().match(/-*icanon/g), ['icanon', 'icanon', 'icanon'])
})
