/** Simulates the files and databases in which the agent programs of one machine record their requests to models. */
import { createHash } from 'node:crypto'
import type { Time, Worker } from '../../src/core/nouns.ts'
import type { UsageRecords } from '../../src/core/usage.ts'
import { folderOf } from '../../src/agents/claude-usage.ts'
import { agentName } from '../../src/core/agent-kinds.ts'

/** The home directory of the simulated person. */
export const person = '/home/agent'

/** One request to a model. */
export interface Request {
  readonly session: string
  readonly asked: string
  readonly answered: string
  readonly provider: string
  /** `own`: of the conversation. `aside`: of a sub-agent within the program, or for a title. */
  readonly kind: 'own' | 'aside'
  /** For Hermes, true if the program runs in the profile of the worker, and not in the default one. */
  readonly in_profile: boolean
  readonly tokens?: RequestTokens
  /** The plan of the subscription that pays for the request; for Codex only. */
  readonly plan?: string
}

/** The tokens of one request. `input` has no tokens from a cache. */
export interface RequestTokens {
  readonly input: number
  readonly cache_read: number
  readonly cache_write: number
  readonly output: number
}

const none: RequestTokens = { input: 0, cache_read: 0, cache_write: 0, output: 0 }
const few: RequestTokens = { input: 10, cache_read: 0, cache_write: 0, output: 1 }

/** The records of one machine. `skew`: the difference of the machine's own clock (ms). */
export class AgentRecords implements UsageRecords {
  /** Called when burn lists the records. */
  onList: () => void = () => {}
  /** The times at which burn listed the records, by the simulated clock. */
  readonly reads: Time[] = []
  readonly #files = new Map<string, string>()
  readonly #rows = new Map<string, Map<string, Record<string, unknown>>>()
  readonly #machine: { readonly reachable: boolean; readonly up: boolean }
  readonly #now: () => Time
  readonly #skew: () => number
  /** The prompts in each session of Hermes: the time, the text, and the number of answers. */
  readonly #told = new Map<string, [Time, string, number][]>()
  /** The running totals of Codex threads, by file. */
  readonly #totals = new Map<string, RequestTokens>()
  #requests = 0

  constructor(machine: { readonly reachable: boolean; readonly up: boolean }, now: () => Time, skew: () => number) {
    this.#machine = machine
    this.#now = now
    this.#skew = skew
  }

  /** Records a request of the program of a worker, in the worker's folder. */
  add(worker: Worker, request: Request): void {
    const { session, asked, answered, kind, tokens = few } = request
    const at = this.#now() + this.#skew()
    const timestamp = new Date(at).toISOString()
    const id = `r${++this.#requests}`
    const aside = kind === 'aside'
    if (worker.agent.kind === 'claude') {
      const { input, cache_read, cache_write, output } = tokens
      const usage = {
        input_tokens: input,
        cache_read_input_tokens: cache_read,
        cache_creation_input_tokens: cache_write,
        output_tokens: output,
      }
      const message = { id, model: answered, usage }
      const line = { type: 'assistant', timestamp, requestId: id, requestedModel: asked, sessionId: session, isSidechain: aside, message }
      // Claude Code writes a line for each block of an answer, each with the usage of the whole answer.
      for (let block = 0; block <= this.#requests % 2; block++) this.#append(claudeFile(worker, session), line)
    } else if (worker.agent.kind === 'codex')
      this.#addCodex(worker, { ...request, session: aside ? `${session}-${id}` : session }, timestamp)
    else this.#addHermes(worker, request, at)
  }

  /** Records a text that the program of a worker received. */
  prompt(worker: Worker, session: string, text: string): void {
    const at = this.#now() + this.#skew()
    const timestamp = new Date(at).toISOString()
    if (worker.agent.kind === 'hermes') this.#told.set(session, [...(this.#told.get(session) ?? []), [at / 1000, text, 0]])
    if (worker.agent.kind === 'claude') {
      const line = { type: 'user', timestamp, sessionId: session, isSidechain: false, message: { role: 'user', content: text } }
      this.#append(claudeFile(worker, session), line)
    }
    if (worker.agent.kind !== 'codex') return
    const item = { type: 'UserMessage', content: [{ type: 'text', text }] }
    this.#openCodex(worker, session, 'cli', 'openai', timestamp)
    this.#append(codexFile(session), { timestamp, type: 'event_msg', payload: { type: 'item_completed', item } })
  }

  /** Begins the file of a thread with its first line. */
  #openCodex({ dir }: Worker, session: string, source: unknown, provider: string, timestamp: string): void {
    if (this.#files.has(codexFile(session))) return
    this.#append(codexFile(session), {
      timestamp,
      type: 'session_meta',
      payload: { id: session, cwd: dir, source, model_provider: provider },
    })
  }

  #addCodex(worker: Worker, { session, asked, provider, kind, tokens = few, plan }: Request, timestamp: string): void {
    const path = codexFile(session)
    this.#openCodex(worker, session, kind === 'aside' ? { subagent: 'review' } : 'cli', provider, timestamp)
    const before = this.#totals.get(path)
    this.#append(path, { timestamp, type: 'turn_context', payload: { model: asked } })
    const total = added(before ?? none, tokens)
    this.#totals.set(path, total)
    const { input, cache_read, output } = total
    const total_token_usage = { input_tokens: input + cache_read, cached_input_tokens: cache_read, output_tokens: output }
    const rate_limits = plan === undefined ? {} : { rate_limits: { plan_type: plan } }
    this.#append(path, { timestamp, type: 'event_msg', payload: { type: 'token_count', info: { total_token_usage }, ...rate_limits } })
  }

  #addHermes(worker: Worker, { session, asked, provider, kind, in_profile, tokens = few }: Request, at: Time): void {
    const path = `${person}/.hermes/${in_profile ? `profiles/${agentName('storm', worker)}/` : ''}state.db`
    const rows = this.#rows.get(path) ?? new Map<string, Record<string, unknown>>()
    const task = kind === 'aside' ? 'title' : null
    const name = [session, asked, provider, task].join(' ')
    const row = rows.get(name)
    const sum = (name: string, more: number) => Number(row?.[name] ?? 0) + more
    const totals = {
      api_call_count: sum('api_call_count', 1),
      input_tokens: sum('input_tokens', tokens.input),
      cache_read_tokens: sum('cache_read_tokens', tokens.cache_read),
      cache_write_tokens: sum('cache_write_tokens', tokens.cache_write),
      output_tokens: sum('output_tokens', tokens.output),
    }
    const about = { session_id: session, model: asked, billing_provider: provider, billing_base_url: '', task, cwd: worker.dir }
    const last = this.#told.get(session)?.at(-1)
    if (last !== undefined && kind === 'own') last[2] += 1
    rows.set(name, { ...about, ...totals, first_seen: row?.['first_seen'] ?? at / 1000, last_seen: at / 1000 })
    this.#rows.set(path, rows)
  }

  #append(path: string, line: object): void {
    this.#files.set(path, `${this.#files.get(path) ?? ''}${JSON.stringify(line)}\n`)
  }

  list: UsageRecords['list'] = async (dirs) => {
    if (!this.#machine.reachable || !this.#machine.up) return null
    this.reads.push(this.#now())
    this.onList()
    const inode = (path: string) => createHash('sha256').update(path).digest('hex').slice(0, 8)
    const files = [...this.#files].map(([path, text]) => ({ path, inode: inode(path), size: text.length }))
    return { clock: this.#now() + this.#skew(), person, dirs: new Map(dirs.map((dir) => [dir, dir])), files, failures: [] }
  }

  read: UsageRecords['read'] = async (parts) =>
    parts.map(({ path, position, length }) => this.#files.get(path)?.slice(position, position + length) ?? null)

  query: UsageRecords['query'] = async (queries) =>
    queries.map(({ path, since }) => {
      const rows = this.#rows.get(path)
      const changed = [...(rows?.values() ?? [])].filter(({ last_seen }) => Number(last_seen) * 1000 >= since)
      const withPrompts = changed.map((row) => ({ ...row, prompts: JSON.stringify(this.#told.get(String(row['session_id'])) ?? []) }))
      return rows === undefined ? null : { rows: withPrompts }
    })
}

const claudeFile = ({ dir }: Worker, session: string) => `${person}/.claude/projects/${folderOf(dir)}/${session}.jsonl`
const codexFile = (session: string) => `${person}/.codex/sessions/rollout-${session}.jsonl`

function added(total: RequestTokens, more: RequestTokens): RequestTokens {
  return {
    input: total.input + more.input,
    cache_read: total.cache_read + more.cache_read,
    cache_write: total.cache_write + more.cache_write,
    output: total.output + more.output,
  }
}
