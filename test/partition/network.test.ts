/** Cuts the network of a machine: packets disappear, and no connection is refused. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { startSshd, type Network } from '../support/sshd.ts'
import { farMachine, openRig } from './rig.ts'
import { noSshd } from './two-machines.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')

interface Cable extends Network {
  pull(): void
  plug(): void
}

/** Creates a network namespace with one virtual cable. Returns the reason if this machine does not let a test create one. */
function namespace(t: TestContext): Cable | string {
  const id = randomBytes(3).toString('hex')
  const [name, here, there] = [`burn-${id}`, `burn-${id}a`, `burn-${id}b`]
  // A subnet of the block for network tests (RFC 2544).
  const subnet = `198.${18 + (randomBytes(1)[0]! % 2)}.${randomBytes(1)[0]}`
  const ip = (...words: readonly string[]) => spawnSync('ip', words, { encoding: 'utf8' })
  t.after(() => {
    ip('link', 'del', here)
    ip('netns', 'del', name)
  })
  const steps = [
    `netns add ${name}`,
    `link add ${here} type veth peer name ${there}`,
    `link set ${there} netns ${name}`,
    `addr add ${subnet}.1/24 dev ${here}`,
    `link set ${here} up`,
    `-n ${name} addr add ${subnet}.2/24 dev ${there}`,
    `-n ${name} link set ${there} up`,
    `-n ${name} link set lo up`,
  ]
  for (const step of steps) {
    const { status, stderr, error } = ip(...step.split(' '))
    if (status !== 0) return `no network can be created here: ip ${step}: ${error?.message ?? stderr.trim()}`
  }
  return {
    address: `${subnet}.2`,
    inside: ['ip', 'netns', 'exec', name],
    pull: () => void ip('-n', name, 'link', 'set', there, 'down'),
    plug: () => void ip('-n', name, 'link', 'set', there, 'up'),
  }
}

test('network: a cut machine is unreachable, and keeps its dispatch', async (t) => {
  const cable = namespace(t)
  if (typeof cable === 'string') return t.skip(cable)
  const sshd = await startSshd(t, cable)
  if (sshd === null) return t.skip(noSshd)
  const rig = await openRig(t, (dir, socket) => ({
    dispatch: { depth: 1, trust: { authors: 'anyone' } },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn', working), hooks: false },
    machines: {
      near: { windows: [{ name: 'NEAR', names: ['ONE'], repos: ['near'] }] },
      far: farMachine(sshd, socket, [{ name: 'FAR', names: ['TWO'], repos: ['far'] }]),
    },
  }))
  for (const repo of ['near', 'far']) writeIssues(rig.fleet.dir, repo, [])
  await rig.start()
  writeIssues(rig.fleet.dir, 'far', [{ title: 'far', body: '' }])
  await rig.cycle()
  const [handed] = await rig.dispatches('local/far#1')
  assert.equal(handed?.state, 'handed')

  cable.pull()
  writeIssues(rig.fleet.dir, 'near', [{ title: 'near', body: '' }])
  const started = performance.now()
  const cut = await rig.cycle()
  t.diagnostic(`noticed after ${Math.round(performance.now() - started)} ms`)
  assert.ok(performance.now() - started < 10_000)
  assert.deepEqual(
    cut.claimed.map(({ issue }) => issue),
    ['local/near#1'],
  )
  const far = (await rig.status()).machines.find(({ name }) => name === 'far')
  assert.equal(far?.reachable, false)
  // Either the old connection ended or the new one timed out, whichever came first.
  assert.match(far?.reason ?? '', /far is unreachable: (?:the machine did not answer in time|tmux ended the connection)/)
  assert.equal((await rig.dispatches('local/far#1'))[0]?.state, 'handed')

  cable.plug()
  await until('it is back', async () => (await rig.cycle(), (await rig.status()).machines.every(({ reachable }) => reachable)))
  await rig.cycle()
  const [after, ...more] = await rig.dispatches('local/far#1')
  assert.deepEqual([after?.state, after?.incarnation, more], ['handed', handed?.incarnation, []])
  assert.equal(rig.received('local/far#1'), 1)
})
