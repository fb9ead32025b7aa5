import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { standIn, testFleet, until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

function spec(dir: string, socket: string): object {
  const windows = [{ name: 'A', panes: 9, repos: ['app'] }]
  return {
    name: 't',
    session: 'T',
    socket,
    dir: join(dir, 'w'),
    forge: { kind: 'folder', path: dir },
    ledger: `sqlite:${dir}/l.db`,
    agent: standIn(dir),
    machines: { box: { windows } },
  }
}

test('a person sees one worker whole in a terminal smaller than its window, and no pane changes its size', async (t) => {
  const fleet = testFleet(t, spec)
  await fleet.burn('up')
  const panes = () =>
    tmuxOn(
      fleet.socket,
      'list-panes',
      '-s',
      '-t',
      '=T',
      '-F',
      '#{@burn_worker} #{pane_width} #{pane_height} #{pane_left} #{pane_top} #{pane_id}',
    )
      .trim()
      .split('\n')
  const before = panes()
  for (const row of before) {
    const [worker = '', , , , , id = ''] = row.split(' ')
    const command = (await fleet.burn('attach', worker, '--print')).out.trim()
    const person = privateSocket(t)
    tmuxOn(person, 'new-session', '-d', '-x', '120', '-y', '30', `env -u TMUX ${command}`)
    await until(`${worker} is in view`, () => tmuxOn(person, 'capture-pane', '-p', '-t', ':0').includes(`${worker} waits for its agent`))
    assert.equal(tmuxOn(fleet.socket, 'display-message', '-p', '-t', '=T:', '#{pane_id}').trim(), id)
    tmuxOn(person, 'kill-server')
  }
  assert.deepEqual(panes(), before)
})

test('what is not there is said, with what was meant', async (t) => {
  const fleet = testFleet(t, spec)
  const down = await fleet.burn('attach', 'A')
  assert.equal(down.code, 1)
  assert.match(down.err, /no session T/)
  const wrong = await fleet.burn('attach', 'bx')
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /did you mean box/)
})
