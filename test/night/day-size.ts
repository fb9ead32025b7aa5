/** Measures the bytes that a day adds to a ledger: samples and tokens of 112 workers with turns of 5 minutes. */
import type { Fleet, Worker } from '../../src/core/nouns.ts'
import type { Use, UsageSource } from '../../src/core/usage.ts'
import { seeded } from '../../src/core/random.ts'
import { lastModels, sumUsage } from '../../src/decide/usage.ts'
import { spanChanges } from '../../src/decide/spans.ts'
import { openLedger } from '../../src/ledger/open.ts'
import type { NightModel } from './money-models.ts'

const minute = 60_000
const day = 24 * 60 * minute
const numbers = {
  machine: {
    load: 2,
    cores: 16,
    memory_total: 64e9,
    memory_free: 40.5e9,
    disk_total: 100e9,
    disk_free: 50e9,
    clock_offset: 0,
    agents_memory: 9e9,
  },
  repo: { open: 500, ready: 300, in_review: 40, commits: 12345 },
}

/** Returns the bytes that samples and tokens add to a new ledger in a day. Each worker has another issue every 5 minutes. */
export async function daySize(
  url: string,
  { machines, telemetry }: Fleet,
  models: ReadonlyMap<string, readonly NightModel[]>,
): Promise<{ readonly samples: number; readonly usage: number }> {
  const ledger = await openLedger(url, { random: seeded(1) })
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const before = await ledger.size()
  const began = Date.UTC(2026, 10, 26)
  const used = []
  let [issues, open] = [0, await ledger.openSpans()]
  for (let at = began; at < began + day; at += telemetry.interval) {
    const states = workers.map(({ id, machine, pane, repos }) => {
      const about = { kind: 'worker' as const, subject: id, machine, state: 'working', detail: null, evidence: 'its title spins' }
      return { ...about, issue: `${repos[0]}#${++issues}`, incarnation: `1790000000.%${pane}.4123${pane}` }
    })
    const changes = spanChanges(open, { at, states, covers: () => true }, { waiting_after: minute, longest_gap: day })
    const measures = [
      ...machines.map(({ name }) => ({ subject: `machine ${name}`, at, period: 0, numbers: numbers.machine })),
      ...['o/a', 'o/b', 'o/c'].map((repo) => ({ subject: `repo ${repo}`, at, period: 0, numbers: numbers.repo })),
    ]
    await ledger.saveSample({ ...changes, measures }, at)
    open = await ledger.openSpans()
    used.push({ at, spans: open })
  }
  const samples = (await ledger.size()) - before
  for (const { at, spans } of used) {
    const uses = workers.flatMap(({ id, agent }) =>
      (models.get(id) ?? []).map((model) => ({ ...useOf(model, at), worker: id, agent: agent.kind, record: pathOf(id) })),
    )
    const sources = workers.filter(({ id }) => (models.get(id) ?? []).length > 0).map((worker) => sourceOf(worker, at))
    await ledger.addUsage(sumUsage(uses, { spans, dispatches: [] }), sources, lastModels(uses, spans))
  }
  const usage = (await ledger.size()) - before - samples
  await ledger.close()
  return { samples, usage }
}

const pathOf = (worker: string) => `/home/agents/.claude/projects/-home-agents-${worker.replaceAll('/', '-')}/0197c2a1-5b7e-7c3a.jsonl`

/** The record of a worker's session, of which burn has read all up to a time. */
function sourceOf({ id, machine }: Worker, at: number): UsageSource {
  const state = {
    reader: null,
    newest: at,
    counted_until: 0,
    skips: false,
    key: null,
    prompt: `${at}`,
    foreign: false,
    tail: { length: 64, hash: at },
  }
  return { machine, path: pathOf(id), inode: '123456', position: at, state, read_at: at, failure: null }
}

function useOf({ asked, answered, provider, subscription }: NightModel, at: number): Use {
  const tokens = { calls: 3, input: 12_345, cache_read: 123_456, cache_write: 2_345, output: 2_345, reasoning: 345, reported_cost: null }
  return { ...tokens, at, ids: [], provider, model_asked: asked, model_answered: answered, subscription }
}
