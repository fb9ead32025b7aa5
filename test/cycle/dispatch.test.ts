/** `burn dispatch` on a real tmux server, with stand-in agents and a folder as the forge. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fleet } from '../support/fleet.ts'
import { sanitize } from '../../src/core/text.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { endServer, tmuxOn } from '../support/tmux.ts'

interface Cycle {
  readonly claimed: readonly { id: string; issue: string; worker: string; kind: string }[]
  readonly settled: readonly { issue: string; state: string }[]
  readonly deliveries: readonly { id: string; worker: string; state: string; evidence: string }[]
}

const lastCycle = (out: string) => JSON.parse(out.trim().split('\n').at(-1) ?? '{}') as Cycle

/** Two workers for `app`, one for `lib`, and one council worker. */
function smallFleet(dir: string, socket: string): Record<string, unknown> {
  const windows = [
    { name: 'APP', names: ['ONE', 'TWO'], repos: ['app'] },
    { name: 'LIB', names: ['THREE'], repos: ['lib'] },
    { name: 'SAGES', names: ['SAGE'], role: 'council' },
  ]
  return {
    name: 't',
    session: 'T',
    socket,
    dir: join(dir, 'w'),
    forge: { kind: 'folder', path: dir },
    ledger: `sqlite:${dir}/l.db`,
    dispatch: { depth: 1, skip_labels: ['epic'], retry_after: 0.001 },
    agent: standIn(dir, '--turn-ms', '50'),
    machines: { box: { cores: 4, windows } },
  }
}

/** Returns the work prompts that agents received. */
const workPrompts = (fleet: Fleet) => fleet.received().filter(({ text }) => text.includes('You have one issue to work on'))

async function startFleet(fleet: Fleet): Promise<void> {
  assert.equal((await fleet.burn('up')).code, 0)
  const named = await fleet.burn('christen')
  assert.equal(named.code, 0, named.out + named.err)
}

const hostile = 'it\'s "quoted" $(touch /tmp/burn-pwned) `id`; #{pane_pid} \\n %s\nsecond line\r\n\u001b[201~rm -rf\u0000 👩‍🚀 \u202e end;'

test('dispatch: each issue reaches one worker of its lane once, unchanged', async (t) => {
  const fleet = testFleet(t, smallFleet)
  writeIssues(fleet.dir, 'app', [
    { title: hostile.replace(/\n/g, ' '), body: hostile },
    { title: 'Second', body: 'b'.repeat(40) },
    { title: 'Third', body: '' },
    { title: 'Big', body: '', labels: ['epic'] },
  ])
  writeIssues(fleet.dir, 'lib', [
    { title: 'A question', body: 'What do you think?', labels: ['council'] },
    { title: 'Lib work', body: 'x' },
  ])
  await startFleet(fleet)
  const first = await fleet.burn('dispatch', '--json')
  const { claimed, deliveries } = lastCycle(first.out)
  assert.deepEqual(claimed.map(({ issue }) => issue).toSorted(), ['local/app#1', 'local/app#2', 'local/lib#1', 'local/lib#2'])
  assert.deepEqual([...new Set(deliveries.map(({ state }) => state))], ['seen'], first.out)
  for (const { issue, worker, kind } of claimed)
    assert.ok(
      worker.startsWith(kind === 'council' ? 'box/SAGES/' : issue.includes('app') ? 'box/APP/' : 'box/LIB/'),
      `${issue} → ${worker}`,
    )
  const prompts = workPrompts(fleet)
  assert.equal(prompts.length, 3)
  assert.equal(
    prompts.filter(({ text }) => text.includes(sanitize(hostile).trim())).length,
    1,
    'the hostile text arrives unchanged, except for control bytes',
  )
  const [second, third] = await Promise.all([fleet.burn('dispatch', '--json'), fleet.burn('dispatch', '--json')])
  for (const { out } of [second, third]) assert.deepEqual(lastCycle(out).claimed, [])
  assert.equal(workPrompts(fleet).length, 3)
  for (const { issue } of claimed) {
    const [, repo, number] = /\/(\w+)#(\d+)$/.exec(issue) ?? []
    const comments = readdirSync(join(fleet.dir, 'comments', repo ?? '', number ?? ''))
    assert.equal(comments.length, 1, `one comment on ${issue}`)
    const body = readFileSync(join(fleet.dir, 'comments', repo ?? '', number ?? '', comments[0] ?? ''), 'utf8')
    assert.match(body, /^<!-- burn:1 fleet=t dispatch=\w{13} state=handed -->$/m)
    assert.match(body, /machine box · window|asked its council/)
  }
})

test('dispatch: concurrent runs claim each issue once', async (t) => {
  const fleet = testFleet(t, smallFleet)
  writeIssues(fleet.dir, 'app', [
    { title: 'First', body: '1' },
    { title: 'Second', body: '2' },
  ])
  writeIssues(fleet.dir, 'lib', [{ title: 'Lib work', body: 'x' }])
  await startFleet(fleet)
  const both = await Promise.all([fleet.burn('dispatch', '--json'), fleet.burn('dispatch', '--json'), fleet.burn('dispatch', '--json')])
  const claimed = both.flatMap(({ out }) => lastCycle(out).claimed.map(({ issue }) => issue))
  assert.deepEqual(claimed.toSorted(), ['local/app#1', 'local/app#2', 'local/lib#1'])
  assert.equal(workPrompts(fleet).length, 3)
  for (const [repo, number] of [
    ['app', '1'],
    ['app', '2'],
    ['lib', '1'],
  ])
    assert.equal(readdirSync(join(fleet.dir, 'comments', repo ?? '', number ?? '')).length, 1)
})

test('dispatch: closed issues and open changes free their slots', async (t) => {
  const fleet = testFleet(t, smallFleet)
  writeIssues(fleet.dir, 'app', [
    { title: 'First', body: '1' },
    { title: 'Second', body: '2' },
    { title: 'Third', body: '3' },
    { title: 'Fourth', body: '4' },
  ])
  writeIssues(fleet.dir, 'lib', [])
  await startFleet(fleet)
  const { claimed } = lastCycle((await fleet.burn('dispatch', '--json')).out)
  const [one, two] = claimed.toSorted((a, b) => (a.issue < b.issue ? -1 : 1))
  const path = join(fleet.dir, 'issues/app/1.md')
  writeFileSync(path, readFileSync(path, 'utf8').replace('---\n', '---\nstate: closed\n'))
  mkdirSync(join(fleet.dir, 'reviews/app'), { recursive: true })
  const review = (state: string) =>
    writeFileSync(join(fleet.dir, 'reviews/app/2.md'), `---\nissue: 2\nbranch: burn/${two?.id}\nstate: ${state}\n---\ndone\n`)
  review('open')
  const next = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(next.settled.map(({ issue, state }) => `${issue} ${state}`).toSorted(), ['local/app#1 done', 'local/app#2 review'])
  assert.deepEqual(next.claimed.map(({ issue }) => issue).toSorted(), ['local/app#3', 'local/app#4'], 'both slots are free again')
  assert.match(readFileSync(join(fleet.dir, 'comments/app/1/1.md'), 'utf8'), new RegExp(`dispatch=${one?.id} state=done`))
  review('merged')
  assert.deepEqual(
    lastCycle((await fleet.burn('dispatch', '--json')).out).settled.map(({ issue, state }) => `${issue} ${state}`),
    ['local/app#2 done'],
  )
  const explained = await fleet.burn('explain', 'app#2')
  assert.match(explained.out, /the change was merged/)
})

test('dispatch: held and dead workers get no lost issue', async (t) => {
  const fleet = testFleet(t, smallFleet)
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: '1' }])
  writeIssues(fleet.dir, 'lib', [{ title: 'Lib', body: '1' }])
  await startFleet(fleet)
  await fleet.burn('hold', 'TWO', '--reason', 'mine now')
  tmuxOn(fleet.socket, 'respawn-pane', '-k', '-t', '=T:=LIB', 'exec sh')
  const first = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(
    first.claimed.map(({ issue, worker }) => `${issue} ${worker}`),
    ['local/app#1 box/APP/ONE'],
  )
  const pane =
    tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{pane_id} #{@burn_worker}')
      .split('\n')
      .find((row) => row.endsWith('/ONE'))
      ?.split(' ')[0] ?? ''
  tmuxOn(fleet.socket, 'respawn-pane', '-k', '-t', pane, 'exit 7')
  await until('the pane is dead', () => tmuxOn(fleet.socket, 'display-message', '-p', '-t', pane, '#{pane_dead}').trim() === '1')
  const lost = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(
    lost.settled.map(({ issue, state }) => `${issue} ${state}`),
    ['local/app#1 lost'],
  )
  assert.deepEqual(lost.claimed, [], 'one worker is dead, the other is held')
  await fleet.burn('resume', 'TWO')
  const again = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(
    again.claimed.map(({ issue, worker }) => `${issue} ${worker}`),
    ['local/app#1 box/APP/TWO'],
  )
  assert.equal(readdirSync(join(fleet.dir, 'comments/app/1')).length, 2, 'one comment for each dispatch')
  const status = (await fleet.burn('status', '--json')).json<{ totals: Record<string, number> }>()
  assert.equal(status.totals['dead'], 2)
})

test('dispatch: a prompt waits while a person has a draft', async (t) => {
  const fleet = testFleet(t, smallFleet)
  writeIssues(fleet.dir, 'app', [])
  writeIssues(fleet.dir, 'lib', [{ title: 'Lib', body: '1' }])
  await startFleet(fleet)
  const target = '=T:=LIB'
  tmuxOn(fleet.socket, 'send-keys', '-t', target, '-l', 'my own words')
  await until('the draft shows', () => tmuxOn(fleet.socket, 'capture-pane', '-p', '-t', target).includes('my own words'))
  const { deliveries } = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(
    deliveries.map(({ state }) => state),
    ['planned'],
  )
  assert.match(tmuxOn(fleet.socket, 'capture-pane', '-p', '-t', target), /my own words/)
  assert.equal(workPrompts(fleet).length, 0)
  tmuxOn(fleet.socket, 'send-keys', '-t', target, 'C-u')
  assert.deepEqual(
    lastCycle((await fleet.burn('dispatch', '--json')).out).deliveries.map(({ state }) => state),
    ['seen'],
  )
  assert.equal(workPrompts(fleet).length, 1)
})

test('dispatch: works over ssh and survives an unreachable machine', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('this machine has no ssh server (openssh-server)')
  const fleet = testFleet(t, (dir, socket) => {
    const { machines, ...spec } = smallFleet(dir, socket) as { machines: { box: object } }
    const far = {
      host: sshd.host,
      ssh: { port: sshd.port, options: sshd.options },
      socket: `${socket}-far`,
      windows: [{ name: 'FAR', names: ['FOUR'], repos: ['far'] }],
    }
    t.after(() => endServer(`${socket}-far`))
    return { ...spec, machines: { ...machines, far } }
  })
  writeIssues(fleet.dir, 'app', [
    { title: 'Near', body: '1' },
    { title: 'Near too', body: '2' },
    { title: 'And more', body: '3' },
  ])
  writeIssues(fleet.dir, 'far', [
    { title: 'Far', body: hostile },
    { title: 'Far again', body: '2' },
  ])
  writeIssues(fleet.dir, 'lib', [])
  await startFleet(fleet)
  const first = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual(first.deliveries.map(({ worker, state }) => `${worker} ${state}`).toSorted(), [
    'box/APP/ONE seen',
    'box/APP/TWO seen',
    'far/FAR/FOUR seen',
  ])
  await sshd.close()
  const status = await fleet.burn('status', '--json')
  assert.equal(status.code, 3)
  const far = status
    .json<{ machines: { name: string; reachable: boolean; windows: { workers: { state: string }[] }[] }[] }>()
    .machines.find(({ name }) => name === 'far')
  assert.equal(far?.reachable, false)
  assert.equal(far?.windows[0]?.workers[0]?.state, 'unreachable')
  const second = lastCycle((await fleet.burn('dispatch', '--json')).out)
  assert.deepEqual([...second.settled, ...second.claimed], [], 'burn neither loses nor repeats the dispatches of an unreachable machine')
})
