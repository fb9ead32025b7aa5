/** The readers of usage, on records that real agent programs wrote. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { UsageDatabase, UsageFiles, Use } from '../../src/core/usage.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { addTokens } from '../../src/decide/usage.ts'
import { FileReader } from '../../src/collect/usage-files.ts'
import { usedTokens } from '../../src/agents/usage.ts'
import { scratch } from '../support/fleet.ts'
import { recordings, recordPaths, served, writeRecord } from '../support/usage-records.ts'

const dir = '/srv/agents/ANN'
const at = Date.parse('2026-05-01T10:00:00Z')

function logOf(kind: string): UsageFiles | UsageDatabase {
  const { usage } = paneAgent({ kind })
  assert.ok(usage !== undefined)
  return usage
}

function filesOf(kind: string): UsageFiles {
  const log = logOf(kind)
  assert.equal(log.format, 'files')
  return log as UsageFiles
}

function totalOf(uses: readonly Use[]) {
  const { calls, input, cache_read, output } = uses.map(usedTokens).reduce(addTokens)
  return { calls, input, cache_read, output }
}

/** Reads a text in parts of `size` lines. The state between two parts passes through JSON, as in the ledger. */
function readParts(log: UsageFiles, text: string, size: number): Use[] {
  const lines = text.trimEnd().split('\n')
  const uses: Use[] = []
  let state: unknown = null
  for (let from = 0; from < lines.length; from += size) {
    const read = log.read(state, lines.slice(from, from + size))
    state = JSON.parse(JSON.stringify(read.state))
    uses.push(...read.uses)
  }
  return uses
}

for (const kind of ['claude', 'codex', 'gemini', 'qwen', 'pi'])
  test(`usage: reads the tokens of ${kind} as the server counted them`, () => {
    const log = filesOf(kind)
    const texts = recordings(kind, dir, at)
    for (const size of [1, 3, 1000]) {
      // Each file is read alone. burn drops the requests that a fork of the session repeats by their names.
      const uses = texts.flatMap((text) => readParts(log, text, size))
      const names = new Set<string>()
      const once = uses.filter(({ ids: [name] }) => name === undefined || (!names.has(name) && names.add(name)))
      assert.deepEqual(totalOf(once), served[kind])
      assert.ok(once.every((use) => use.at >= at && use.at < at + 10 * 60_000))
    }
    assert.equal(log.keyOf('/nowhere/x.jsonl') ?? '', '')
  })

for (const kind of ['claude', 'codex', 'gemini', 'qwen', 'pi'])
  test(`usage: ${kind} shows the prompt of each request`, () => {
    const ids = ['1m8d9sxr7j190', '1m8d9sxr7j191'] as const
    const [text = ''] = recordings(kind, dir, at)
    const tagged = ['run it please', 'again'].reduce((all, prompt, index) => {
      return all.replaceAll(`"${prompt}"`, `"[burn ${ids[index]}] Read all 9 lines of .burn/x.md"`)
    }, text)
    // A tool returns a line that looks like a prompt.
    const lines = tagged.replaceAll('"done\\n"', '"done"').replaceAll('"done"', '"[burn 1m8d9sxr7j199] Read"').trimEnd().split('\n')
    const half = Math.ceil(lines.length / 2)
    const log = { ...filesOf(kind), kind }
    const file = { path: '/f', inode: '1', size: Buffer.byteLength(lines.join('\n')) + 1 }
    const whole = `${lines.join('\n')}\n`
    const bytes = Buffer.from(whole).toString('latin1')
    const cut = Buffer.from(`${lines.slice(0, half).join('\n')}\n`).length
    const first = new FileReader(file, log, undefined, 0)
    const uses = [...first.take(bytes.slice(0, cut), cut).uses]
    // The next sample goes on with the state in the ledger.
    const source = { machine: 'm', path: '/f', read_at: 0, ...(JSON.parse(JSON.stringify(first.position)) as typeof first.position) }
    const next = new FileReader(file, log, source, 0)
    const { position, length } = next.partOf(bytes.length - cut)
    uses.push(...next.take(bytes.slice(position, position + length), bytes.length - cut).uses)
    assert.equal(uses[0]?.prompt, ids[0])
    assert.equal(uses.at(-1)?.prompt, ids[1])
    assert.ok(uses.every(({ prompt }) => prompt === ids[0] || prompt === ids[1]))
  })

test('usage: background tasks of Qwen count for the prompt before', () => {
  const [first, second] = ['1m8d9sxr7j190', '1m8d9sxr7j191']
  const line = (seconds: number, record: object) => JSON.stringify({ timestamp: new Date(at + seconds * 1000).toISOString(), ...record })
  const told = (seconds: number, id: string) =>
    line(seconds, { type: 'user', message: { role: 'user', parts: [{ text: `[burn ${id}] Read the 1 line of .burn/x.md` }] } })
  const counts = { model: 'stub', input_token_count: 9, output_token_count: 1 }
  const answer = (seconds: number, prompt_id: string, duration_ms: number, name = 'api_response') => {
    const uiEvent = { 'event.name': `qwen-code.${name}`, prompt_id, duration_ms, ...counts }
    return line(seconds, { type: 'system', uuid: `u${seconds}`, systemPayload: { uiEvent } })
  }
  const lines = [
    told(0, first),
    answer(1, 's########0', 900),
    answer(8, 's#extractor-0#0', 1000, 'api_error'),
    told(10, second),
    answer(11, 's#extractor-0#0', 500),
    answer(12, 's########1', 1000),
    answer(13, 's#extractor-1#0', 11_000),
    answer(15, 's#extractor-1#1', 1000),
    answer(17, 's#extractor-2#0', 1000),
  ]
  for (const size of [1, 3, 9])
    assert.deepEqual(
      readParts(filesOf('qwen'), lines.join('\n'), size).map(({ prompt }) => prompt),
      [undefined, first, undefined, first, first, second],
    )
})

test('usage: the last line of a request of Claude counts', () => {
  const line = (id: string, request: string | null, output: number, more = {}) =>
    JSON.stringify({
      type: 'assistant',
      timestamp: '2026-05-01T10:00:00Z',
      ...(request === null ? { requestRef: 'r9' } : { requestId: request }),
      requestedModel: 'opus',
      message: { id, model: 'opus-4', usage: { input_tokens: 10, output_tokens: output } },
      ...more,
    })
  const read = (...lines: string[]) => filesOf('claude').read(null, lines).uses
  assert.deepEqual(
    read(line('a', 'r1', 1), line('a', 'r1', 40)).map(({ calls, output }) => [calls, output]),
    [
      [1, 1],
      [0, 39],
    ],
  )
  assert.equal(read(line('a', 'r1', 1), line('a', 'r2', 1)).length, 2)
  assert.deepEqual(read(line('a', null, 1))[0]?.ids, ['a r9', 'a'])
  assert.deepEqual(read(line('a', 'r1', 1, { isSidechain: true }))[0]?.ids, ['a', 'a r1'])
  const [{ model_asked, model_answered, cache_read, reasoning } = assert.fail()] = read(line('a', 'r1', 1))
  assert.deepEqual([model_asked, model_answered, cache_read, reasoning], ['opus', 'opus-4', null, null])
})

test('usage: the totals of Codex may begin anew and repeat', () => {
  const total = (input: number, cached: number, output: number) =>
    JSON.stringify({
      timestamp: '2026-05-01T10:00:00Z',
      type: 'event_msg',
      payload: {
        type: 'token_count',
        info: { total_token_usage: { input_tokens: input, cached_input_tokens: cached, output_tokens: output } },
        rate_limits: { plan_type: 'plus' },
      },
    })
  const { uses } = filesOf('codex').read(null, [total(10, 4, 1), total(10, 4, 1), total(30, 10, 3), total(5, 0, 1)])
  assert.deepEqual(
    uses.map(({ input, cache_read, output }) => [input, cache_read, output]),
    [
      [6, 4, 1],
      [14, 6, 2],
      [5, 0, 1],
    ],
  )
  assert.ok(uses.every(({ subscription }) => subscription === true))
})

test('usage: reads the limits that Codex recorded, also at a refusal', () => {
  const text = readFileSync(join(import.meta.dirname, 'limit-records/codex.jsonl'), 'utf8')
  const { limits = [], uses } = filesOf('codex').read(null, text.split('\n'))
  assert.deepEqual(
    limits.map(({ name, used, resets_at }) => [name, used, resets_at]),
    [
      ['5h', 42.5, 1_795_842_735_000],
      ['7d', 17, 1_796_233_735_000],
      ['5h', 100, 1_795_842_741_000],
      ['7d', 17, 1_796_233_741_000],
    ],
  )
  assert.equal(uses.length, 1)
  const bad = { payload: { type: 'token_count', rate_limits: { primary: { used_percent: '9' }, secondary: [] } } }
  assert.deepEqual(filesOf('codex').read(null, [JSON.stringify({ ...bad, timestamp: '2026-05-01T10:00:00Z' })]).limits, [])
})

test('usage: counts a fork of Codex without its parent', () => {
  const usage = (input: number) => ({ input_tokens: input, cached_input_tokens: 0, output_tokens: 1 })
  const info = { total_token_usage: usage(5046), last_token_usage: usage(1308) }
  const line = { timestamp: '2026-05-01T10:00:00Z', type: 'event_msg', payload: { type: 'token_count', info } }
  const { uses } = filesOf('codex').read(null, [JSON.stringify(line), JSON.stringify(line)])
  assert.deepEqual(
    uses.map(({ input }) => input),
    [1308],
  )
})

test('usage: hostile records count nothing', () => {
  const lines = [
    '{"usage":',
    '"usage"',
    'null "tokens"',
    '{"type":"assistant","timestamp":1,"message":{"id":{},"usage":[]},"tokens":9}',
    '[{"usage":1}]',
  ]
  for (const kind of ['claude', 'codex', 'gemini', 'qwen', 'pi'])
    for (const state of [null, 3, { recent: 4, total: 'x' }]) assert.deepEqual(filesOf(kind).read(state, lines).uses, [])
  for (const kind of ['hermes', 'opencode'])
    assert.deepEqual((logOf(kind) as UsageDatabase).readRows(null, [{}, { data: '{' }, { last_seen: 'x' }], 0).uses, [])
})

/**
 * What ccusage 20.0.24 counts less than the model server: the reasoning of two agents, and the requests that Qwen Code makes by itself. The
 * recording of Hermes lacks columns that ccusage needs.
 */
const uncounted: Readonly<Record<string, readonly [number, number, number]>> = {
  claude: [0, 0, 0],
  codex: [0, 0, 0],
  gemini: [0, 0, 11],
  qwen: [474, 314, 64],
  pi: [0, 0, 0],
  opencode: [0, 0, 11],
}
/** The program ccusage, which the tests do not install. */
const ccusage = process.env['BURN_CCUSAGE']

test('usage: agrees with ccusage', { skip: ccusage === undefined ? 'BURN_CCUSAGE names no program' : false }, (t) => {
  const home = scratch(t)
  for (const [kind, less] of Object.entries(uncounted)) {
    const texts = recordings(kind, dir, Date.now() - 60 * 60_000)
    recordPaths(kind, dir, '').forEach((path, index) => writeRecord(join(home, path), texts[index]!))
    const printed = execFileSync(ccusage!, [kind, 'daily', '--json', '--offline'], { env: { HOME: home }, encoding: 'utf8' })
    // ccusage prints this form.
    const { totals } = JSON.parse(printed) as { totals: Readonly<Record<string, number>> }
    const found = ['inputTokens', 'cacheReadTokens', 'outputTokens'].map((name, index) => totals[name]! + less[index]!)
    const { input, cache_read, output } = served[kind]!
    assert.deepEqual(found, [input, cache_read, output], kind)
  }
})
