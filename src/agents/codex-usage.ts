/** Reads the tokens of Codex from its rollout files. Facts come from running 0.171.0 against a stub model server. */
import type { UsageFiles, Use } from '../core/usage.ts'
import type { Tokens } from '../core/usage.ts'
import { limitName, type UsageLimit } from '../core/usage-limit.ts'
import { countOf, isFields, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { addedTokens, asideIf, inSession, hasTokens, messageText, recordsWith, savedTokens, recordTime, uncached } from './usage.ts'

interface State {
  key: string | null
  /** The id of the thread; null until the file shows it. */
  session: string | null
  model: string
  provider: string
  /** True if the thread is one of a sub-agent. */
  aside: boolean
  total: Tokens | null
}

function totalOf(usage: JsonObject): Tokens | null {
  const [input, output] = [countOf(usage['input_tokens']), countOf(usage['output_tokens'])]
  if (input === null || output === null) return null
  const [cache_read, cache_write] = [countOf(usage['cached_input_tokens']), countOf(usage['cache_write_input_tokens'])]
  const reasoning = countOf(usage['reasoning_output_tokens'])
  return { calls: 0, input: uncached(input, cache_read, cache_write), cache_read, cache_write, output, reasoning, reported_cost: null }
}

/**
 * Returns the tokens that the thread used since its last `token_count`. The totals of a thread continue when a person resumes it. Codex
 * repeats a total if only its rate limits changed.
 */
function useOf(line: JsonObject, state: State): Use | null {
  const payload = membersOf(line['payload'])
  const info = membersOf(payload['info'])
  const [at, total] = [recordTime(line['timestamp']), totalOf(membersOf(info['total_token_usage']))]
  if (payload['type'] !== 'token_count' || at === null || total === null) return null
  // The file of a fork begins with a total that contains the tokens of its parent.
  const first = totalOf(membersOf(info['last_token_usage'])) ?? total
  const added = state.total === null ? first : addedTokens(total, state.total)
  state.total = total
  if (!hasTokens(added)) return null
  const plan = stringOf(membersOf(payload['rate_limits'])['plan_type'])
  return {
    ...added,
    at,
    ids: [],
    calls: 1,
    provider: state.provider,
    model_asked: state.model,
    model_answered: '',
    subscription: plan === null ? null : true,
    ...inSession(state.session),
    ...asideIf(state.aside),
  }
}

/**
 * Returns the limits of the login in a `token_count`, which Codex also writes if the provider refused a request. The limits of some models
 * have an id of their own.
 */
function limitsOf(line: JsonObject): UsageLimit[] {
  const payload = membersOf(line['payload'])
  const [at, limits] = [recordTime(line['timestamp']), membersOf(payload['rate_limits'])]
  if (payload['type'] !== 'token_count' || at === null) return []
  const id = stringOf(limits['limit_id']) ?? 'codex'
  return ['primary', 'secondary'].flatMap((slot) => {
    const { used_percent, window_minutes, resets_at } = membersOf(limits[slot])
    if (typeof used_percent !== 'number') return []
    const [minutes, reset] = [countOf(window_minutes), countOf(resets_at)]
    const name = minutes === null ? slot : limitName(minutes)
    return [{ name: id === 'codex' ? name : `${id} ${name}`, used: used_percent, resets_at: reset === null ? null : reset * 1000, at }]
  })
}

/** The rollout files of Codex: one for each thread, in folders by date. */
export const codexUsage: UsageFiles = {
  format: 'files',
  folders: ({ person, env }) => ['sessions', 'archived_sessions'].map((name) => `${env['CODEX_HOME'] ?? `${person}/.codex`}/${name}`),
  name: 'rollout-*.jsonl',
  keys: ({ dir }) => [dir],
  keyOf: () => null,
  promptOf(line) {
    const [record = {}] = recordsWith([line], '"UserMessage"', '"user_message"', '"user"')
    const payload = membersOf(record['payload'])
    const item = membersOf(payload['item'])
    if (item['type'] === 'UserMessage') return messageText(item['content'])
    if (payload['type'] === 'user_message') return messageText(payload['message'])
    return payload['type'] === 'message' && payload['role'] === 'user' ? messageText(payload['content']) : null
  },
  read(saved, lines) {
    const { key, session, model, provider, aside, total } = membersOf(saved)
    const state: State = {
      key: stringOf(key),
      session: stringOf(session),
      model: stringOf(model) ?? '',
      provider: stringOf(provider) ?? '',
      aside: aside === true,
      total: savedTokens(total),
    }
    const records = recordsWith(lines, '"session_meta"', '"turn_context"', '"token_count"')
    const uses = records.flatMap((line) => {
      const payload = membersOf(line['payload'])
      if (line['type'] === 'session_meta') {
        state.key ??= stringOf(payload['cwd'])
        state.session ??= stringOf(payload['id'])
        state.aside ||= isFields(payload['source'])
        state.provider = stringOf(payload['model_provider']) ?? state.provider
      }
      if (line['type'] === 'turn_context') state.model = stringOf(payload['model']) ?? state.model
      return useOf(line, state) ?? []
    })
    return { uses, limits: records.flatMap(limitsOf), state, ...(state.key === null ? {} : { key: state.key }) }
  },
}
