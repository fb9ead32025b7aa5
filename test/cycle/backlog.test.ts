/**
 * Dispatches a large backlog: hundreds of issues, 112 panes, two machines, a forge over HTTP. Without `BURN_BACKLOG=all` (npm run backlog)
 * it uses a twelfth of the panes and fewer issues.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { receivedIn, standIn, testFleet } from '../support/fleet.ts'
import { seeded } from '../../src/core/random.ts'
import { startSshd } from '../support/sshd.ts'
import { endServer, tmuxOn } from '../support/tmux.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'

interface Seed {
  readonly number: number
  readonly title: string
  readonly body: string
  readonly labels: readonly string[]
}

/** Windows as in examples/timmy: the number of panes and the repos that they serve. */
const near = {
  CRUCIBLE: [14, 'hermes-agent'],
  GNOMES: [12, 'hermes-agent'],
  LOOM: [12, 'timmy-home timmy-config'],
  FOUNDRY: [10, 'the-nexus'],
  WARD: [12, 'the-door fleet-ops turboquant'],
  COUNCIL: [8, ''],
} as const
const far = {
  FORGE: [14, 'hermes-agent'],
  ANVIL: [14, 'the-nexus the-playground'],
  'CRUCIBLE-2': [10, 'timmy-home timmy-config the-door fleet-ops'],
  SENTINEL: [6, ''],
} as const
const repos = ['hermes-agent', 'timmy-home', 'timmy-config', 'the-nexus', 'the-playground', 'the-door', 'fleet-ops', 'turboquant']
const isFull = process.env['BURN_BACKLOG'] === 'all'
const skipLabels = ['epic', 'meta', 'study']

function windowsOf(lanes: Record<string, readonly [number, string]>): { windows: object[]; serves: Map<string, string[]> } {
  const serves = new Map(Object.entries(lanes).map(([name, [, served]]) => [name, served.split(' ').filter((repo) => repo !== '')]))
  const windows = Object.entries(lanes).map(([name, [panes]]) => ({
    name,
    panes: isFull ? panes : Math.ceil(panes / 12),
    ...(serves.get(name)?.length === 0 ? { role: 'council' } : { repos: serves.get(name) }),
  }))
  return { windows, serves }
}

const sampled = <T>(all: readonly T[]) => (isFull ? all : all.filter((_, index) => index % 18 === 0))

/** Returns the exported issues if this machine has them; else as many generated ones with hostile characters. */
function allIssues(): Seed[] {
  const file = resolve(import.meta.dirname, '../../../shared/data/issues.jsonl')
  if (existsSync(file))
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Seed)
  const random = seeded(7)
  const fragments = [
    'fix',
    '$(reboot)',
    '`id`',
    '"quoted"',
    "it's",
    '; rm -rf ~',
    '#{pane_id}',
    '🚀',
    '\n\n- item',
    '%s',
    '\\n',
    '\u001b[201~',
    'ünïcödé',
    '漢字',
    '\t',
    '| table |',
  ]
  const words = (count: number) => Array.from({ length: count }, () => fragments[Math.floor(random() * fragments.length)]).join(' ')
  return Array.from({ length: 649 }, (_, index) => ({
    number: index + 1,
    title: `Issue ${index}: ${words(5)}`,
    body: words(60),
    labels: index % 27 === 0 ? ['epic'] : ['task'],
  }))
}

test('backlog: each issue reaches one worker of its lane once', { timeout: 170_000 }, async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('this machine has no ssh server (openssh-server)')
  const random = seeded(42)
  const issuesByRepo = Map.groupBy(sampled(allIssues()), () => repos[Math.floor(random() * repos.length)] ?? '')
  await using forge = await startGitea({
    repos: repos.map((name) => ({
      name: `timmy/${name}`,
      writers: ['burn', 'ann'],
      issues: (issuesByRepo.get(name) ?? []).map(({ title, body, labels }) => ({ title, body, labels, author: 'ann' })),
    })),
  })
  const here = windowsOf(near)
  const there = windowsOf(far)
  const fleet = testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    mkdirSync(join(dir, 'far/agents'), { recursive: true })
    t.after(() => endServer(`${socket}-far`))
    const turn = ['--turn', resolve(import.meta.dirname, '../stand-ins/agent/closing.mjs'), '--turn-ms', '10', '--busy-mode', 'queue']
    const agent = (logs: string) => ({ ...standIn(logs, ...turn), busy_input_mode: 'queue', env: { STANDIN_TOKEN: forge.token } })
    return {
      name: 'timmy',
      session: 'BURN',
      socket,
      dir: join(dir, 'w'),
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
      dispatch: { depth: 2, skip_labels: skipLabels },
      agent: agent(dir),
      machines: {
        mac: { windows: here.windows },
        allegro: {
          host: sshd.host,
          ssh: { port: sshd.port, options: sshd.options },
          socket: `${socket}-far`,
          agent: agent(join(dir, 'far')),
          windows: there.windows,
        },
      },
    }
  })
  const up = await fleet.burn('up')
  assert.equal(up.code, 0, up.err)
  const named = await fleet.burn('christen', '--parallel', '12')
  assert.equal(named.code, 0, named.out.replaceAll(/^.* named .*\n/gm, '') + named.err)
  const [run, beside] = await Promise.all([
    fleet.burn('dispatch', '--json', '--cycles', '8', '--interval', '0'),
    fleet.burn('dispatch', '--json', '--cycles', '3', '--interval', '1'),
  ])
  assert.ok([0, 3].includes(run.code) && [0, 3].includes(beside.code), run.err + beside.err)
  for (let more = 0; more < 6 && countOpen(forge.state) > 0; more++) await fleet.burn('dispatch', '--json')
  const workers = new Map([
    ...workersOn(fleet.socket, join(fleet.dir, 'agents')),
    ...workersOn(`${fleet.socket}-far`, join(fleet.dir, 'far/agents')),
  ])
  const lanes = new Map([...here.serves, ...there.serves])
  const got = new Map<string, string[]>()
  for (const log of ['agents', 'far/agents']) {
    for (const { pane, text } of receivedIn(join(fleet.dir, log))) {
      const issue = /^You have one issue to work on: (\S+) /m.exec(text)?.[1]
      if (issue === undefined) continue
      const window = workers.get(join(fleet.dir, log, pane)) ?? ''
      assert.ok(lanes.get(window)?.includes(issue.slice('timmy/'.length, issue.indexOf('#'))), `${issue} reached ${window}`)
      got.set(issue, [...(got.get(issue) ?? []), window])
    }
  }
  const wanted = repos.flatMap((name) =>
    (issuesByRepo.get(name) ?? []).flatMap(({ labels }, index) =>
      labels.some((label) => skipLabels.includes(label)) ? [] : [`timmy/${name}#${index + 1}`],
    ),
  )
  assert.deepEqual(
    [...got].filter(([, windows]) => windows.length > 1),
    [],
    'no issue reached two workers',
  )
  assert.deepEqual([...got.keys()].toSorted(), wanted.toSorted())
  assert.deepEqual(forge.violations, [])
  const comments = forge.log.filter(({ method, target }) => method === 'POST' && target.endsWith('/comments'))
  assert.equal(comments.length, wanted.length, 'one comment for each issue')
  await fleet.burn('dispatch', '--json')
  const before = forge.log.length
  await fleet.burn('dispatch', '--json')
  const reads = forge.log.slice(before)
  assert.ok(
    reads.length <= 2 * repos.length && reads.every(({ method }) => method === 'GET'),
    `a cycle with nothing new asked ${reads.length} times: ${reads.map(({ method, target }) => `${method} ${target}`).join(' ')}`,
  )
  t.diagnostic(
    `${wanted.length} issues, ${forge.log.length} requests${forge.checked ? ', all as the API describes' : ' (the API description is not on this machine: not checked)'}`,
  )
})

/** Counts the open issues that the fleet should still dispatch. */
function countOpen(state: {
  readonly repos: ReadonlyMap<
    string,
    { readonly items: ReadonlyMap<number, { readonly state: string; readonly labels: readonly string[] }> }
  >
}): number {
  const items = [...state.repos.values()].flatMap((repo) => [...repo.items.values()])
  return items.filter((item) => item.state === 'open' && !item.labels.some((label) => skipLabels.includes(label))).length
}

/** Returns the window of each stand-in's log file. The name of a log file has the number of its pane. */
function workersOn(socket: string, logs: string): [string, string][] {
  const rows = tmuxOn(socket, 'list-panes', '-s', '-t', '=BURN', '-F', '#{pane_id} #{pane_pid} #{window_name}').trim().split('\n')
  return rows.map((row) => {
    const [pane = '', pid = '', window = ''] = row.split(' ')
    return [join(logs, `${pane.slice(1)}-${pid}.jsonl`), window]
  })
}
