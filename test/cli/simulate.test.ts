/** `burn simulate` as a person runs it: its figures, its defaults and its errors. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { progressOn } from '../../src/cli/io.ts'
import { burn, scratch, writeIssues, type Ran } from '../support/fleet.ts'

interface Run {
  readonly fleet: string
  readonly workers: number
  readonly finished: boolean
  readonly hours: number
  readonly done: number
  readonly cost: number | null
  readonly wait_p50: number | null
  readonly wait_half: number | null
  readonly lanes: readonly { readonly lane: string; readonly workers: number; readonly idle: number; readonly turns: number }[]
}
interface Result {
  readonly seed: number
  readonly issues: number
  readonly turns_seen: number
  readonly runs: readonly Run[]
}

/** Writes the spec of a fleet whose panes never exist, because a simulation touches no machine. */
function declared(t: TestContext) {
  const dir = scratch(t)
  const windows = [
    { name: 'BUGS', panes: 3, repos: ['app'] },
    { name: 'DOCS', panes: 1, repos: ['docs'] },
  ]
  // Few cycles per hour make the simulation fast.
  const dispatch = { interval: '2m' }
  const spec = { forge: { kind: 'folder', path: dir }, ledger: `sqlite:${dir}/l.db`, dispatch, machines: { box: { windows } } }
  writeFileSync(join(dir, 'fleet-spec.json'), JSON.stringify(spec))
  mkdirSync(join(dir, 'home'))
  const run = (...words: string[]): Promise<Ran> =>
    burn(['simulate', ...words], { BURN_SPEC: join(dir, 'fleet-spec.json'), HOME: join(dir, 'home') })
  return { dir, run }
}

test('simulate: compares this fleet with one more machine', async (t) => {
  const { dir, run } = declared(t)
  const words = ['--issues', '12', '--turn', '5m', '--review', '2m', '--add', 'box', '--price', '2', '--svg', join(dir, 'p.svg')]
  const { code, out, err } = await run(...words, '--json')
  assert.equal(code, 0, err)
  const result = JSON.parse(out) as Result
  assert.deepEqual([result.issues, result.seed, result.turns_seen], [12, 1, 0])
  const [one, two] = result.runs as [Run, Run]
  assert.deepEqual([one.workers, two.workers, one.done, two.done, one.finished], [4, 8, 12, 12, true])
  assert.ok(two.hours < one.hours && two.wait_p50 !== null && two.wait_p50 < (one.wait_p50 ?? 0), out)
  assert.equal(one.wait_half, one.wait_p50)
  assert.deepEqual(
    one.lanes.map(({ lane, workers }) => [lane, workers]),
    [
      ['bugs', 3],
      ['docs', 1],
    ],
  )
  // One worker has six issues in docs, and three workers share six in app.
  assert.ok((one.lanes[0]?.idle ?? 0) > (one.lanes[1]?.idle ?? 1), out)
  assert.ok((one.cost ?? 0) > 0 && Math.abs((one.cost ?? 0) - (two.cost ?? 0)) / (one.cost ?? 1) < 0.5)
  assert.match(readFileSync(join(dir, 'p.svg'), 'utf8'), /^<svg [^>]*>[\s\S]*with another box[\s\S]*<\/svg>\n$/)
  assert.ok(!existsSync(join(dir, 'comments')), 'the forge is not touched')
})

test('simulate: takes the open issues of the ledger, and prints assumptions', async (t) => {
  const { dir, run } = declared(t)
  writeIssues(dir, 'app', [
    { title: 'One', body: '' },
    { title: 'Two', body: '' },
  ])
  writeIssues(dir, 'docs', [{ title: 'Three', body: '' }])
  const none = await run()
  assert.equal(none.code, 2)
  assert.match(none.err, /the ledger has no open issue of the folder forge[\s\S]*burn dispatch --dry-run/)
  const read = await burn(['dispatch', '--dry-run'], { BURN_SPEC: join(dir, 'fleet-spec.json'), HOME: join(dir, 'home') })
  assert.match(read.out, /Would assign no issue/)
  const { code, out, err } = await run('--review', '2m', '--faults', 'agent=30m,dispatcher')
  assert.equal(code, 0, err)
  assert.match(out, /^3 issues, seed 1\. Median turn 25m \(assumed, because the ledger has only 0\)/)
  assert.match(out, /FLEET +WORKERS +ALL DONE[\s\S]*as declared +4 /)
  assert.match(out, /LANE[\s\S]*bugs[\s\S]*docs[\s\S]*Open issues, as declared\n *3 █/)
})

test('simulate: reports wrong input with a hint', async (t) => {
  const { dir, run } = declared(t)
  const file = join(dir, 'issues.jsonl')
  writeFileSync(file, '{"repo": "app", "labels": ["bug"]}\n\n{"repo": "docs", "title": 7}\n')
  const bad = await run('--issues', file)
  assert.deepEqual([bad.code, /issues\.jsonl:3:1: "repo" and "title" must be strings/.test(bad.err)], [2, true], bad.err)
  writeFileSync(file, '{"repo": "app"\n')
  assert.match((await run('--issues', file)).err, /issues\.jsonl:1:1: .*JSON/)
  assert.match((await run('--issues', 'nothing.jsonl')).err, /nothing\.jsonl can't be read/)
  assert.match(
    (await run('--issues', '3', '--faults', 'agents')).err,
    /"agents" is not a kind of fault[\s\S]*one or more of agent, question/,
  )
  assert.match((await run('--issues', '3', '--turn', 'long')).err, /write a duration like 90s, 40m/)
  assert.match((await run('--issues', '3', '--add', 'bax')).err, /did you mean box/)
  // An issue for the council is no work for workers.
  writeFileSync(file, `${'{"repo": "app", "labels": ["bug"]}\n'.repeat(29)}{"repo": "docs"}\n{"repo": "app", "labels": ["Council"]}\n`)
  const short = await run('--issues', file, '--hours', '1')
  assert.deepEqual(
    [short.code, short.out.startsWith('30 issues'), /not within 1h00m/.test(short.out)],
    [3, true, true],
    short.out + short.err,
  )
})

test('progress: one line on a terminal, else one line per minute', () => {
  const output = (tty: boolean, json: boolean) => {
    const lines: string[] = []
    let now = 5
    const size = () => ({ width: 8, height: 24 })
    const io = {
      draws: tty,
      size,
      control: (sequence: string) => `\u001b[${sequence}`,
      write: (text: string) => void lines.push(text),
      err: (line: string) => void lines.push(`err ${line}`),
    }
    const progress = progressOn(io, json, () => now)
    for (const at of [10, 59_000, 61_000, 62_000, 200_000]) {
      now = at
      progress.say(`at ${at}`)
    }
    progress.end()
    return lines
  }
  const drawn = [10, 59_000, 61_000, 62_000, 200_000].map((at) => `\u001b[G\u001b[K${`at ${at}`.slice(0, 7)}`)
  assert.deepEqual(output(true, false), [...drawn, '\u001b[G\u001b[K'])
  for (const tty of [true, false]) assert.deepEqual(output(tty, true), ['err at 61000', 'err at 200000'])
  assert.deepEqual(output(false, false), ['err at 61000', 'err at 200000'])
})
