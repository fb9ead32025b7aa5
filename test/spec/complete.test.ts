/** Completion of a spec: defaults, overrides, and contradictions between several places. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { complete, messagesOf, specOf } from './specs.ts'

const workersOf = (text: string) => complete(text).fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))

test('complete: needs only a forge and one window', () => {
  const { fleet } = complete(specOf([{ name: 'A', repos: ['app'] }]))
  assert.equal(fleet.name, 'fleet')
  assert.equal(fleet.ledger, 'sqlite:/home/ada/.local/state/burn-fleet/fleet.db')
  assert.deepEqual(fleet.forge, {
    kind: 'gitea',
    url: 'https://forge.example.com',
    owner: 'acme',
    token: { file: '/home/ada/.config/burn-fleet/token' },
  })
  assert.equal(fleet.dispatch.interval, 60_000)
  assert.equal(fleet.dispatch.stale_after, 86_400_000)
  assert.equal(fleet.dispatch.idle_timeout, 1_800_000)
  const [machine] = fleet.machines
  assert.deepEqual(
    [machine?.transport, machine?.session, machine?.socket, machine?.tmux],
    [{ kind: 'local' }, 'fleet', 'burn-fleet', 'tmux'],
  )
  const [worker] = machine?.windows[0]?.workers ?? []
  assert.equal(worker?.dir, `~/.local/state/burn-fleet/fleet/box/A/${worker?.name}`)
  assert.deepEqual([worker?.depth, worker?.role, worker?.home, worker?.agent.kind, worker?.lane], [2, 'worker', 'acme/app', 'hermes', 'a'])
})

test('complete: reads durations with units or in seconds', () => {
  const interval = (written: unknown) =>
    complete(specOf([{ name: 'A', repos: ['app'] }], { dispatch: { interval: written } })).fleet.dispatch.interval
  assert.deepEqual(['90s', '1h30m', '2d', 5, 0.5].map(interval), [90_000, 5_400_000, 172_800_000, 5000, 500])
})

test('complete: machine, window and worker override the outer levels', () => {
  const window = {
    name: 'A',
    names: ['ONE', 'TWO'],
    depth: 4,
    agent: { model: 'w' },
    workers: { TWO: { depth: 5, dir: '/two', agent: { command: ['x'], env: { B: '3' } } } },
  }
  const machine = { repos: ['app'], depth: 3, dir: '/srv', agent: { env: { A: '1', B: '2' } }, windows: [window, { name: 'B' }] }
  const more = { agent: { command: ['hermes', 'chat'], model: 'top' }, machines: { box: machine } }
  const [one, two, other] = workersOf(specOf([], more))
  assert.deepEqual([one?.depth, two?.depth, other?.depth], [4, 5, 3])
  assert.deepEqual([one?.dir, two?.dir], ['/srv/A/ONE', '/two'])
  assert.deepEqual([one?.agent.command, one?.agent.model, one?.agent.env], [['hermes', 'chat'], 'w', { A: '1', B: '2' }])
  assert.deepEqual([two?.agent.command, two?.agent.model, two?.agent.env], [['x'], 'w', { A: '1', B: '3' }])
})

test('complete: an agent of another kind inherits only the variables', () => {
  const [worker] = workersOf(
    specOf([{ name: 'A', repos: ['app'], agent: { kind: 'claude' } }], { agent: { command: ['hermes'], model: 'm', env: { A: '1' } } }),
  )
  assert.deepEqual([worker?.agent.kind, worker?.agent.command, worker?.agent.model, worker?.agent.env], ['claude', [], null, { A: '1' }])
})

test('complete: resolves paths at the spec folder or at home', () => {
  const text = specOf([{ name: 'A', repos: ['app'] }], {
    forge: { kind: 'folder', path: 'work' },
    templates: { work: './p/w.md', council: '~/c.md' },
  })
  const { fleet } = complete(text)
  assert.deepEqual(fleet.forge, { kind: 'folder', path: '/etc/burn/work', owner: 'local' })
  assert.deepEqual(fleet.templates, { work: '/etc/burn/p/w.md', identity: null, council: '/home/ada/c.md' })
  assert.equal(complete(text, [], 'fleet-spec.json').fleet.templates.work, './p/w.md')
  const forge = { kind: 'gitea', url: 'https://forge.example.com', owner: 'acme', ca_file: 'ca.pem' }
  assert.equal(complete(specOf([{ name: 'A', repos: ['app'] }], { forge })).fleet.forge.ca_file, '/etc/burn/ca.pem')
})

test('complete: finds every contradiction, in the order of the file', () => {
  const windows = [
    { name: 'A', names: ['ONE', 'TWO', 'ONE'], panes: 2, repos: ['app'], workers: { TOW: {}, TWO: { repo: 'ap' } } },
    { name: 'A', panes: 2 },
    { name: 'C', role: 'council', workers: {} },
  ]
  const messages = messagesOf(specOf(windows, { repos: { apps: {} }, dispatch: { skip_titles: ['^\\[ok\\]', '('] } }))
  assert.deepEqual(
    messages.map((line) => line.replace(/^\d+:\d+ /, '')),
    [
      '3 names for 2 panes. write "panes": 3, or fewer names',
      'the window has two workers with the name ONE. give each worker of a window its own name',
      'the window A has no worker TOW. did you mean "TWO"?',
      'the window A does not serve ap, the home repo of TWO. did you mean "app"?',
      'the window A has workers, but serves no repo. set "repos" of the worker, or "role": "council" if it only answers questions',
      'the machine box has another window with the name A. give each window of a machine its own name',
      'no window serves apps. did you mean "app"?',
      'this is not a regular expression: /(/iu: Unterminated group. in JSON, write each backslash twice: "^\\\\[meta\\\\]"',
    ],
  )
})

test('complete: refuses hosts of the setup command without a sandbox', () => {
  const messagesWith = (sandbox: object) =>
    messagesOf(
      specOf([{ name: 'A', repos: ['app'] }], { sprint: { backends: [{ kind: 'cli', agent: 'claude' }], repos: ['app'], sandbox } }),
    )
  const hosts = { setup_hosts: ['*.example.com', 'localhost:8080', '10.0.0.1'] }
  assert.match(
    messagesWith({ ...hosts, use: 'off' }).join(),
    /without a sandbox, burn cannot limit the hosts that the setup command may connect to/,
  )
  assert.deepEqual(messagesWith(hosts), [])
  assert.match(messagesWith({ setup_hosts: ['https://example.com'] }).join(), /must be a host/)
})

test('complete: refuses two machines with the same tmux server', () => {
  const machine = { windows: [{ name: 'A', repos: ['app'] }] }
  assert.match(messagesOf(specOf([], { machines: { a: machine, b: machine } })).join(), /b has the same transport and the same socket as a/)
  assert.deepEqual(messagesOf(specOf([], { machines: { a: machine, b: { ...machine, socket: 'other' } } })), [])
})

test('complete: refuses host with exec, ssh alone and odd forge URLs', () => {
  const windows = [{ name: 'A', repos: ['app'] }]
  assert.match(messagesOf(specOf([], { machines: { a: { host: 'h', exec: ['docker'], windows } } })).join(), /has both "host" and "exec"/)
  assert.match(messagesOf(specOf([], { machines: { a: { ssh: {}, windows } } })).join(), /"ssh" without "host"/)
  for (const url of ['forge', 'ftp://x', 'https://x/?q', 'https://me@x'])
    assert.equal(messagesOf(specOf(windows, { forge: { kind: 'gitea', url, owner: 'o' } })).length, 1, url)
})

test('complete: loads no schema, because a cached spec needs none', () => {
  const loaded = new Map<string, readonly string[]>()
  const load = (file: string) => {
    if (loaded.has(file)) return
    const text = readFileSync(file, 'utf8')
    const from = [...text.matchAll(/^(?:import|export) (?!type )[^']*'([^']+)'/gm)].map(([, name = '']) => name)
    loaded.set(file, from)
    for (const name of from) if (name.startsWith('.')) load(resolve(file, '..', name))
  }
  load(resolve(import.meta.dirname, '../../src/spec/complete.ts'))
  assert.ok(loaded.size > 10)
  assert.deepEqual(
    [...loaded].filter(([, from]) => from.includes('zod')),
    [],
  )
})

test('complete: an account has the workers that its names stand for', () => {
  const windows = [
    { name: 'A', names: ['ONE', 'TWO'], lane: 'bugs', repos: ['app'] },
    { name: 'B', names: ['SIX'], repos: ['app'] },
  ]
  const accounts = (written: object) => complete(specOf(windows, { accounts: written })).fleet.accounts
  assert.deepEqual(accounts({ x: { workers: ['TWO', 'box/B'] }, y: { workers: ['box/A/ONE'] } }), [
    { name: 'x', workers: ['box/A/TWO', 'box/B/SIX'] },
    { name: 'y', workers: ['box/A/ONE'] },
  ])
  assert.deepEqual(accounts({ x: { workers: ['bugs', 'A'] } }), [{ name: 'x', workers: ['box/A/ONE', 'box/A/TWO'] }])
  assert.equal(accounts({ x: { workers: ['box'] } })[0]?.workers.length, 3)
  const messages = messagesOf(
    specOf(windows, { accounts: { x: { workers: ['bugs', 'SXI'] }, y: { workers: ['ONE'] }, z: { workers: [] } } }),
  )
  assert.deepEqual(
    messages.map((message) => message.slice(message.indexOf(' ') + 1)),
    ['accounts.z.workers must name at least one worker. for example: "workers": ["CRUCIBLE","AZOTH"]'],
  )
  const crossed = messagesOf(specOf(windows, { accounts: { x: { workers: ['bugs', 'SXI'] }, y: { workers: ['ONE'] } } }))
  assert.deepEqual(
    crossed.map((message) => message.slice(message.indexOf(' ') + 1)),
    [
      'the fleet has no worker, window, lane or machine SXI. did you mean "SIX"?',
      'the worker box/A/ONE is in the account x, too. list each worker in one account',
    ],
  )
})

test('complete: an account may have backends of sprints', () => {
  const windows = [{ name: 'A', names: ['ONE'], repos: ['app'] }]
  const sprint = { repos: ['app'], backends: [{ kind: 'cli', agent: 'claude' }] }
  const spec = (accounts: object) => specOf(windows, { accounts, sprint, budget: { lanes: { sprint: { day: { usd: 1 } } } } })
  const found = complete(spec({ max: { backends: ['cli claude'] } }))
  assert.deepEqual(found.fleet.accounts, [{ name: 'max', workers: [], backends: ['cli claude'] }])
  const problems = (accounts: object) => messagesOf(spec(accounts)).map((message) => message.slice(message.indexOf(' ') + 1))
  assert.deepEqual(problems({ max: { backends: ['cli claude'] } }), [])
  assert.match(problems({ max: {} }).join(), /must have "workers" or "backends"/)
  assert.deepEqual(problems({ max: { backends: ['cli claud'] } }), [
    'sprint.backends has no cli claud. write the name of a backend, such as "cli claude"',
  ])
  assert.deepEqual(problems({ a: { backends: ['cli claude'] }, b: { backends: ['cli claude'] } }), [
    'the backend cli claude is in the account a, too. list each backend in one account',
  ])
})

test('complete: budgets of the fleet, of lanes and of accounts', () => {
  const windows = [{ name: 'A', names: ['ONE'], lane: 'bugs', repos: ['app'] }]
  const accounts = { max: { workers: ['ONE'] } }
  const own = { day: { usd: 50 }, lanes: { bugs: { issue: { tokens: 9 } } }, accounts: { max: { day: { usd: 1, tokens: 2 } } } }
  const { fleet } = complete(specOf(windows, { accounts, budget: own }))
  assert.deepEqual(fleet.budgets, [
    { scope: 'fleet', name: 'all', day: { usd: 50, tokens: null }, issue: null },
    { scope: 'lane', name: 'bugs', day: null, issue: { usd: null, tokens: 9 } },
    { scope: 'account', name: 'max', day: { usd: 1, tokens: 2 }, issue: null },
  ])
  assert.deepEqual(fleet.dispatch.skip_labels, [...complete(specOf(windows)).fleet.dispatch.skip_labels, 'over-budget'])
  const messages = (budget: object) => messagesOf(specOf(windows, { accounts, budget })).map((text) => text.slice(text.indexOf(' ') + 1))
  assert.deepEqual(messages({ lanes: { bug: { day: { usd: 1 } } }, accounts: { team: { day: { usd: 1 } } } }), [
    'the spec has no lane bug. did you mean "bugs"?',
    'the spec has no account team. write the name of one of the accounts',
  ])
  assert.match(messages({ day: {} }).join(), /^budget.day must have "usd" or "tokens"/)
  assert.equal(messages({ day: { usd: 0 } }).length, 1)
})

const only = [{ name: 'A', repos: ['app'] }]

test('complete: panes and sprints skip the same issues by default', () => {
  const { dispatch, sprint } = complete(specOf(only, { sprint: { backends: [{ kind: 'gateway' }] } })).fleet
  assert.deepEqual([dispatch.skip_labels, dispatch.skip_titles], [sprint?.skip_labels, sprint?.skip_titles])
  assert.ok(dispatch.skip_labels.includes('epic'))
})

test('complete: priority labels have levels, and their old key still works', () => {
  const levels = (written: object) => complete(specOf(only, written)).fleet.dispatch.priority_labels
  const sprint = { backends: [{ kind: 'gateway' }], priority_labels: ['urgent', 'high'] }
  assert.deepEqual(levels({ dispatch: { priority_labels: [['urgent', 'P0'], '*', 'low'] }, sprint }), [['urgent', 'P0'], ['*'], ['low']])
  assert.deepEqual(levels({ sprint }), [['urgent'], ['high']])
  assert.deepEqual(levels({}).at(-1), ['P4'])
})
