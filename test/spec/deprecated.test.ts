/** Old spellings in a spec: burn accepts them, and prints a line that has the place and the current spelling. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complete, messagesOf, specOf } from './specs.ts'

const patterns = { composer: '^> (.*)$' }
const custom = (keys: object) => ({ kind: 'custom', command: ['x'], patterns, ...keys })
const sprintWith = (keys: object) => ({ backends: [{ kind: 'runner' }], ...keys })

/** A spec with keys in `dispatch`, `sprint` and the agent of each level. */
function withKeys(dispatch: object, sprint: object, agent: object): string {
  const workers = { ONE: { agent }, TWO: {} }
  const window = { name: 'A', repos: ['app'], names: ['ONE', 'TWO'], agent, workers }
  return specOf([], {
    dispatch,
    sprint: sprintWith(sprint),
    agent: custom(agent),
    machines: { box: { agent, windows: [window] } },
  })
}

test('renamed keys: the old name means the same', () => {
  const old = complete(withKeys({ ended_after: '7m' }, { mends: 5 }, { settle: '2s' }))
  const current = complete(withKeys({ idle_timeout: '7m' }, { check_retries: 5 }, { submit_delay: '2s' }))
  assert.deepEqual(old.fleet, current.fleet)
  assert.deepEqual([old.fleet.dispatch.idle_timeout, old.fleet.sprint?.check_retries], [420_000, 5])
  assert.equal(old.fleet.machines[0]?.windows[0]?.workers[0]?.agent.custom?.submit_delay, 2000)
  assert.deepEqual(current.deprecations, [])
})

test('renamed keys: an old null stays null', () => {
  assert.equal(complete(withKeys({ ended_after: null }, {}, {})).fleet.dispatch.idle_timeout, null)
})

test('renamed keys: the nearest agent wins, by either name', () => {
  const window = { name: 'A', repos: ['app'], agent: { settle: '3s' } }
  const { fleet } = complete(specOf([window], { agent: custom({ submit_delay: '1s' }) }))
  assert.equal(fleet.machines[0]?.windows[0]?.workers[0]?.agent.custom?.submit_delay, 3000)
})

test('renamed keys: each old name gets one line with its place', () => {
  const { deprecations } = complete(withKeys({ ended_after: '7m' }, { mends: 5 }, { settle: '2s' }))
  assert.deepEqual(
    deprecations.map((line) => line.replace(/^.*"(\w+)" is deprecated.*write "(\w+)";.*$/, '$1 $2')),
    ['settle submit_delay', 'ended_after idle_timeout', 'mends check_retries', ...Array(3).fill('settle submit_delay')],
  )
  assert.equal(
    complete('{"forge": {"kind": "folder", "path": "x"},\n "sprint": {"mends": 1, "repos": ["a"], "backends": [{"kind": "runner"}]}}')
      .deprecations[0],
    '/etc/burn/fleet-spec.json:2:13: "mends" is deprecated: its name is now "check_retries"; write "check_retries"; the next release refuses "mends"',
  )
})

test('renamed keys: both names in one object are an error', () => {
  const both = withKeys({ ended_after: null, idle_timeout: '7m' }, { mends: 5, check_retries: 5 }, { settle: '2s', submit_delay: '2s' })
  const messages = messagesOf(both)
  assert.equal(messages.length, 6)
  const line = both.split('\n').findIndex((text) => text.includes('"mends"')) + 1
  assert.ok(
    messages.includes(
      `${line}:5 "mends" is the old name of "check_retries", but the spec has both keys. keep "check_retries" and delete "mends"`,
    ),
    messages.join('\n'),
  )
})

test('renamed keys: no hint suggests an old name', () => {
  assert.match(messagesOf(withKeys({}, { mend: 5 }, {})).join(), /known keys here: (?!.*mends)/)
})

test('sprint.sandbox.use: is require by default, and "auto" means the same', () => {
  const completed = (sandbox: object) => complete(specOf([{ name: 'A', repos: ['app'] }], { sprint: sprintWith({ sandbox }) }))
  const useOf = (sandbox: object) => completed(sandbox).fleet.sprint?.sandbox.use
  assert.deepEqual([{}, { use: 'auto' }, { use: 'require' }, { use: 'off' }].map(useOf), ['require', 'require', 'require', 'off'])
  assert.deepEqual(completed({ use: 'off' }).deprecations, [])
  assert.match(
    completed({ use: 'auto' }).deprecations.join(),
    /^\/etc\/burn\/fleet-spec\.json:\d+:14: "use": "auto" is deprecated .*; write "require", or "off"/,
  )
})
