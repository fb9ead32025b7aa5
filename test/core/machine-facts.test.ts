/** Tests the calculations on the facts that burn samples about a machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftovers, type MachineProcess } from '../../src/core/machine-facts.ts'

const process = (pid: number, socket: string | null, more: Partial<MachineProcess> = {}): MachineProcess => ({
  pid,
  parent: 1,
  memory: 1,
  command: 'node',
  worker: 'box/W/ANN',
  socket,
  ...more,
})

test('leftovers: ignores a fleet with another folder of sockets', () => {
  const all = [
    process(1, '/run/a/tmux-0/burn'),
    process(2, '/run/b/tmux-0/burn'),
    process(3, '/run/a/tmux-0/burn', { parent: 9 }),
    process(4, '/run/a/tmux-0/burn', { worker: 'vps/W/ANN' }),
    process(5, null),
    process(9, null, { worker: null }),
  ]
  const found = (folder: string | null) => leftovers(all, [9], { name: 'box', socket: 'burn', folder }).map(({ pid }) => pid)
  assert.deepEqual(found('/run/a/tmux-0'), [1])
  assert.deepEqual(found(null), [1, 2])
})
