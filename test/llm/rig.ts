/** The fixture of backend tests: a workspace, a task that records its notes, and dependencies whose clock never sleeps. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { BackendTask, Budget, TranscriptEntry, Tool } from '../../src/core/sprint.ts'
import type { ModelConfig } from '../../src/core/model-settings.ts'
import type { BackendDeps, BackendLimits } from '../../src/llm/deps.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { sprintAgent } from '../../src/agents/index.ts'
import { startModel, type ModelOptions, type StandInModel } from '../stand-ins/model/server.ts'

export const never = new AbortController().signal
export const plenty: Budget = { turns: 50, tokens: 1_000_000, time: 30_000, money: null }
export const secret = 'sk-live-0123456789abcdef'

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'burn-llm-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export interface TestDeps extends BackendDeps {
  /** The requested sleeps (ms); the clock returns at once. */
  readonly slept: number[]
}

export function deps(t: TestContext, limits: Partial<BackendLimits> = {}, env: Record<string, string> = {}): TestDeps {
  const slept: number[] = []
  return {
    slept,
    fetch: openFetch(env),
    clock: { now: () => Date.now(), sleep: async (ms) => void slept.push(ms) },
    home: folder(t),
    env: { PATH: process.env['PATH'], ...env },
    secret: async (source) => ('env' in source ? secret : ''),
    sprintAgent,
    random: () => 0,
    limits,
  }
}

export interface TestTask extends BackendTask {
  readonly notes: TranscriptEntry[]
  /** Returns the texts of the notes of one kind. */
  texts(kind: 'note' | 'said' | 'call'): string[]
}

export function task(
  dir: string,
  more: { tools?: readonly Tool[]; budget?: Partial<Budget>; onNote?: (note: TranscriptEntry) => void } = {},
): TestTask {
  const notes: TranscriptEntry[] = []
  return {
    id: '0123456789abc',
    dir,
    tools: more.tools ?? [],
    budget: { ...plenty, ...more.budget },
    note: (note) => {
      notes.push(note)
      more.onNote?.(note)
    },
    recordRun: async () => {},
    notes,
    texts: (kind) =>
      notes.flatMap((note) => (note.kind !== kind ? [] : note.kind === 'call' ? [`${note.tool} ${note.ok} ${note.text}`] : [note.text])),
  }
}

/** Returns a tool that answers with its argument. */
export function echo(name = 'echo', most = 100): Tool {
  return {
    name,
    description: 'returns its argument',
    parameters: { type: 'object', properties: { text: { type: 'string' } } },
    run: async (args) => ({ ok: true, text: String(args['text'] ?? '').repeat(most > 100 ? most : 1) }),
  }
}

export async function model(t: TestContext, options: ModelOptions): Promise<StandInModel> {
  const server = await startModel(options)
  t.after(() => server.close())
  return server
}

export function at(url: string, more: Partial<ModelConfig> = {}): ModelConfig {
  return { model: 'stand-in', url, key: null, provider: null, price: null, ...more }
}
