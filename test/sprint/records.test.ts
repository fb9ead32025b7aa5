/** The records that sprints leave: lists, results, transcripts and workspaces. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Sprint } from '../../src/core/sprint.ts'
import type { Script } from '../stand-ins/model/replies.ts'
import { resultsCsv, totals } from '../../src/sprint/results.ts'
import { brainOf, taskIn, type Fate } from './brain.ts'
import { repo, sprintRig, type SprintRig } from './rig.ts'
import { startHere } from './running.ts'

const fates: readonly Fate[] = ['mended', 'red', 'nothing']
const noop = () => undefined

/** Issues with a number above those of `fates` wait for their model forever. */
const script: Script = (messages, tools) => {
  const { number } = taskIn(messages)
  if (number > fates.length) return { hang: 'at once' }
  return brainOf((each) => fates[each - 1] ?? 'plain', { conflict: noop, taken_branch: noop })(messages, tools)
}

/** A strict parser of RFC 4180. */
function parseCsv(text: string): string[][] {
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y
  const rows: string[][] = [[]]
  while (field.lastIndex < text.length) {
    const position = field.lastIndex
    const found = field.exec(text)
    assert.ok(found !== null, `no field at ${position}: ${JSON.stringify(text.slice(position, position + 40))}`)
    rows.at(-1)?.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '')
    if (found[3] === '\r\n') rows.push([])
  }
  assert.deepEqual(rows.pop(), [], 'the last line ends with CRLF')
  return rows
}

const row = (changes: Partial<Sprint>): Sprint => ({
  id: '01kaj4z7x3f9q',
  issue: 'o/r#7',
  worker: 'sprint/h/1',
  host: 'h',
  stage: 'ended',
  backend: 'runner',
  model: 'm',
  provider: null,
  turns: 2,
  tokens_in: 10,
  tokens_out: 5,
  cost: null,
  outcome: 'change',
  failure: null,
  failure_text: null,
  check_command: 'npm test',
  check_result: 'passed',
  change_url: 'http://x/1',
  started_at: Date.UTC(2026, 0, 1),
  ended_at: Date.UTC(2026, 0, 1, 0, 1, 30),
  lease_owner: null,
  lease_until: 0,
  ...changes,
})

test('results: a strict parser reads the CSV back, without formulas', () => {
  const charOf = fc.constantFrom('"', ',', '\r', '\n', '=', '+', '-', '@', '\t', 'x', ' ', '"";')
  const cell = fc.array(charOf, { maxLength: 8 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(cell, cell, (model, check_command) => {
      const [head = [], ...lines] = parseCsv(resultsCsv([row({ model, check_command }), row({ ended_at: null, cost: -0.5 })]))
      assert.equal(lines.length, 2)
      for (const line of lines) assert.equal(line.length, head.length)
      for (const [name, value] of [
        ['model', model],
        ['check_command', check_command],
      ] as const) {
        const cellText = lines[0]?.[head.indexOf(name)] ?? ''
        assert.equal(cellText.replace(/^'(?=[=+@\t\r-])/, ''), value)
        assert.doesNotMatch(cellText, /^[=+@\t\r-]/)
      }
      assert.equal(lines[1]?.[head.indexOf('cost')], '-0.5', 'a negative number gets no apostrophe')
      assert.equal(lines[0]?.[head.indexOf('seconds')], '90.0')
    }),
  )
})

test('totals: models with most sprints first, failures by frequency', () => {
  const all = [
    row({}),
    row({ outcome: 'failed', failure: 'check_red' }),
    row({ model: null, backend: null, outcome: 'failed', failure: 'stopped' }),
  ]
  assert.deepEqual(totals(all), [
    { model: 'm', sprints: 2, changes: 1, tokens: 30, cost: null, failures: [['check_red', 1]] },
    { model: 'none', sprints: 1, changes: 0, tokens: 15, cost: null, failures: [['stopped', 1]] },
  ])
})

const fields = Object.keys(row({}))

test('records: burn lists, shows, counts and prunes them', { timeout: 180_000 }, async (t) => {
  const issues = [...fates, 'waits'].map((title) => ({ title, body: 'do it' }))
  const rig = await sprintRig(t, { issues, script, sprint: { sandbox: { use: 'off' }, check_retries: 1 } })
  const rows = await rig.run('--jobs', '3', '--count', '3')
  const idOf = (number: number) => rows.find(({ issue }) => issue === `${repo}#${number}`)?.id ?? ''
  await checkList(rig)
  await checkShow(rig)
  const csv = parseCsv((await rig.burn('sprint', 'results', '--csv')).out)
  assert.deepEqual([csv.length, csv[0]?.[0]], [4, 'id'])
  await checkPrune(t, rig, idOf)
})

async function checkList({ burn }: SprintRig): Promise<void> {
  const { sprints } = (await burn('sprint', 'list', '--json')).json<{ sprints: Sprint[] }>()
  assert.deepEqual(
    sprints.map((each) => Object.keys(each)),
    [fields, fields, fields],
  )
  assert.deepEqual(
    sprints.map(({ id }) => id),
    sprints
      .map(({ id }) => id)
      .toSorted()
      .toReversed(),
    'newest first',
  )
  const lines = (await burn('sprint', 'list')).out.trimEnd().split('\n')
  const [head = '', ...otherLines] = lines
  assert.equal(otherLines.length, 3)
  for (const line of otherLines) {
    assert.match(line.slice(head.indexOf('ISSUE')), /^acme\/app#\d /)
    assert.match(line.slice(head.indexOf('END')), /^(?:change|check_red|no_change) /)
  }
  const one = (await burn('sprint', 'list', '--issue', 'app#2', '--json')).json<{ sprints: Sprint[] }>().sprints
  assert.deepEqual(
    one.map(({ failure, check_result }) => [failure, check_result]),
    [['check_red', 'failed']],
  )
  assert.equal((await burn('sprint', 'list', '--issue', 'nonsense')).code, 2)
}

async function checkShow({ burn }: SprintRig): Promise<void> {
  const shownChange = await burn('sprint', 'show', 'app#1')
  assert.match(shownChange.out, /^check +`! grep -rn BROKEN notes` passed after 1 retry\.$/m)
  assert.match(shownChange.out, /^change +http:.*pulls/m)
  assert.match(shownChange.out, /write_file \{"path":"notes\/1\.md"/)
  const shownFailure = await burn('sprint', 'show', 'app#2')
  assert.match(shownFailure.out, /^check +`! grep -rn BROKEN notes` failed\.$/m)
  assert.match(shownFailure.out, /^end +failed: check_red: /m)
  const unknown = await burn('sprint', 'show', '01kaj4z7x3f9q', '--json')
  assert.deepEqual([unknown.code, unknown.json<{ error: { code: string } }>().error.code], [2, 'sprint_unknown'])
  const explained = await burn('explain', 'app#2')
  assert.match(explained.out, /SPRINT +ISSUE +BEGAN +END[^]*app#2 +\d{4}-\S+ \d\d:\d\d +check_red/)
}

async function checkPrune(t: TestContext, rig: SprintRig, idOf: (number: number) => string): Promise<void> {
  type Pruned = { workspaces: string[]; transcripts: string[]; kept: string[] }
  const prune = async (...words: readonly string[]) => (await rig.burn('sprint', 'prune', '--json', ...words)).json<Pruned>()
  const workspaces = () => readdirSync(join(rig.state, 'work')).toSorted()
  const modelAsked = rig.model.asked()
  const run = startHere(t, rig.env, 'sprint', 'run', '--issue', 'app#4', '--json')
  await modelAsked
  const [live] = (await rig.burn('sprint', 'list', '--live', '--json')).json<{ sprints: Sprint[] }>().sprints
  assert.equal(live?.stage, 'working')
  assert.match((await rig.burn('status')).out, /acme\/app#4 +working/)
  const before = workspaces()
  assert.deepEqual(before, [idOf(2), idOf(3), live?.id ?? ''].toSorted())

  assert.deepEqual(await prune('--keep', '5'), { workspaces: [], kept: [], transcripts: [] }, 'none is due by number or age')
  const planned = await prune('--keep', '0', '--dry-run')
  assert.deepEqual(planned, { workspaces: [idOf(3)], kept: [idOf(2)], transcripts: [] })
  assert.deepEqual(workspaces(), before, 'a dry run removes nothing')
  assert.deepEqual(await prune('--keep', '0'), planned)
  assert.deepEqual(workspaces(), [idOf(2), live?.id ?? ''].toSorted(), 'work that is not pushed stays')
  const forced = await prune('--older-than', '0s', '--force')
  assert.deepEqual([forced.workspaces, forced.transcripts.toSorted()], [[idOf(2)], [1, 2, 3].map(idOf).toSorted()])
  assert.deepEqual(workspaces(), [live?.id], 'not even --force removes a live workspace')
  assert.ok(existsSync(join(rig.state, 'transcripts', `${live?.id}.jsonl`)))
  assert.match((await rig.burn('sprint', 'show', 'app#1')).out, /This machine has no transcript of the sprint: it was pruned/)
  assert.equal((await rig.burn('sprint', 'prune', '--older-than', 'long ago')).code, 2)
  run.stop()
  assert.equal(await run.ended, 1)
}
