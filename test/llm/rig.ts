/** What every test of a backend needs: a workspace, a task that writes down its notes, and dependencies that wait for nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { BackendTask, Budget, ModelConfig, TranscriptEntry, Tool } from '../../src/core/sprint.ts'
import type { BackendDeps, BackendLimits } from '../../src/llm/deps.ts'
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
  /** How long it was told to sleep, and did not. */
  readonly slept: number[]
}

export function deps(t: TestContext, limits: Partial<BackendLimits> = {}, env: Record<string, string> = {}): TestDeps {
  const slept: number[] = []
  return {
    slept,
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
  /** Notes of one kind, shortened to what they say. */
  texts(kind: 'note' | 'said' | 'call'): string[]
}

export function task(
  dir: string,
  more: { tools?: readonly Tool[]; budget?: Partial<Budget>; heard?: (note: TranscriptEntry) => void } = {},
): TestTask {
  const notes: TranscriptEntry[] = []
  return {
    id: '0123456789abc',
    dir,
    tools: more.tools ?? [],
    budget: { ...plenty, ...more.budget },
    note: (note) => {
      notes.push(note)
      more.heard?.(note)
    },
    notes,
    texts: (kind) =>
      notes.flatMap((note) => (note.kind !== kind ? [] : note.kind === 'call' ? [`${note.tool} ${note.ok} ${note.text}`] : [note.text])),
  }
}

/** A tool that answers with what it is given. */
export function echo(name = 'echo', most = 100): Tool {
  return {
    name,
    description: 'says it back',
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
