/** Reads the tokens of Hermes from its databases. Facts come from running 0.19.0 and 0.22.2 against a stub model server. */
import type { Tokens, UsageDatabase, Use } from '../core/usage.ts'
import type { Time } from '../core/nouns.ts'
import { countOf, itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'
import { tagBegin, taggedDelivery, tagLength } from '../core/typed-line.ts'
import { addedTokens, asideIf, inSession, hasTokens, savedTokens } from './usage.ts'

/** The number of running totals that the reader remembers for each database. */
const remembered = 2_000

/**
 * For each prompt of burn in a session, or in the session that it continues after a compression: its time, its tag, and the number of
 * answers to it until the next prompt. Hermes saves a prompt when its turn begins, and each answer when it arrives.
 */
const prompts = `(select json_group_array(json_array(begun, prompt, answers)) from (
    select min(timestamp) as begun, max(prompt) as prompt, sum(role = 'assistant') as answers from (
      select timestamp, role, case when is_prompt then substr(content, 1, ${tagLength}) end as prompt, sum(is_prompt) over (order by id) as part from (
        select m.id, m.timestamp, m.role, m.content, m.role = 'user' and m.content like '${tagBegin}%' as is_prompt
        from messages m where m.session_id in (u.session_id, s.parent_session_id)))
    where part > 0 group by part order by part))`

const label = 'Current working directory: '

/** Returns an expression for the working directory, or for text that begins with it: after `/new`, only the system prompt has it. */
const cwdIn = (systemPrompt: string) => `coalesce(s.cwd,
    (select substr(text, instr(text, '${label}') + ${label.length}, 1000) from (select ${systemPrompt} as text)))`

/** Returns the query with expressions for the working directory and the prompts; null in their place for versions without the columns. */
function query(cwdOf: string, promptsOf: string): string {
  return `select u.session_id, u.model, u.billing_provider, u.billing_base_url, u.task, u.api_call_count, u.input_tokens, u.output_tokens,
    u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens, u.estimated_cost_usd, u.actual_cost_usd, u.cost_status, u.first_seen,
    u.last_seen, ${cwdOf} as cwd, ${promptsOf} as prompts
    from session_model_usage u left join sessions s on s.id = u.session_id where u.last_seen >= ? / 1000.0`
}

function totalOf(row: JsonObject): Tokens {
  const known = stringOf(row['cost_status']) === 'actual' || stringOf(row['cost_status']) === 'estimated'
  return {
    calls: countOf(row['api_call_count']) ?? 0,
    input: countOf(row['input_tokens']) ?? 0,
    cache_read: countOf(row['cache_read_tokens']),
    cache_write: countOf(row['cache_write_tokens']),
    output: countOf(row['output_tokens']) ?? 0,
    reasoning: countOf(row['reasoning_tokens']),
    reported_cost: known ? (countOf(row['actual_cost_usd']) ?? countOf(row['estimated_cost_usd'])) : null,
  }
}

/** Returns a time in seconds as milliseconds; null if it is none. */
function msOf(seconds: unknown): Time | null {
  const count = countOf(seconds)
  return count === null ? null : Math.round(count * 1000)
}

/** A prompt of burn, by the id of its delivery, and the number of answers to it. */
interface Answered {
  readonly prompt: string
  readonly answers: number
}

/** Returns the prompts of a row that began before a time, in their order. */
function promptsOf(column: unknown, until: Time): Answered[] {
  return itemsOf(parseJson(stringOf(column) ?? '')?.value).flatMap((item): Answered[] => {
    const [begun, tag, answers] = itemsOf(item)
    const prompt = taggedDelivery(stringOf(tag) ?? '')
    const isEarlier = (msOf(begun) ?? Infinity) <= until
    return prompt !== null && isEarlier ? [{ prompt, answers: countOf(answers) ?? 0 }] : []
  })
}

/** Returns the prompts from the last one that burn saw at the reading before, each with the number of answers since then. */
function newAnswers(told: readonly Answered[], saved: JsonObject): Answered[] {
  const known = told.findLastIndex(({ prompt }) => prompt === saved['prompt'])
  const counted = countOf(saved['answers']) ?? 0
  return told.slice(Math.max(0, known)).map((each, index) => {
    return known >= 0 && index === 0 ? { ...each, answers: Math.max(0, each.answers - counted) } : each
  })
}

/**
 * Splits tokens between the prompts that an agent got since the last reading. Each request has one answer, so the requests are exact. The
 * tokens of a request are not recorded, so each request gets the same part. The last prompts get their requests first: Hermes saves an answer
 * a moment after its tokens, so the oldest answer may belong to a request that burn has counted.
 */
function splitByPrompt(added: Tokens, told: readonly Answered[]): (Tokens & Pick<Use, 'prompt'>)[] {
  const last = told.at(-1)
  if (last === undefined) return [added]
  let left = added.calls
  const calls = told.toReversed().map(({ prompt, answers }) => {
    const own = Math.min(left, answers)
    left -= own
    return { prompt, own }
  })
  calls[0]!.own += left
  const shares = calls.filter(({ own }) => own > 0)
  if (shares.length < 2) return [{ ...added, prompt: shares[0]?.prompt ?? last.prompt }]
  let done = 0
  return shares.map(({ prompt, own }) => {
    const [from, to] = [done / added.calls, (done + own) / added.calls]
    done += own
    return { ...partOf(added, from, to), prompt }
  })
}

/** Returns the part of tokens between two fractions. The parts of all fractions add up to the whole. */
function partOf(tokens: Tokens, from: number, to: number): Tokens {
  const of = (count: number) => Math.round(count * to) - Math.round(count * from)
  const orNull = (count: number | null) => (count === null ? null : of(count))
  return {
    calls: of(tokens.calls),
    input: of(tokens.input),
    cache_read: orNull(tokens.cache_read),
    cache_write: orNull(tokens.cache_write),
    output: of(tokens.output),
    reasoning: orNull(tokens.reasoning),
    reported_cost: tokens.reported_cost === null ? null : tokens.reported_cost * (to - from),
  }
}

/**
 * The databases of Hermes. A row of `session_model_usage` has the running totals of a session, a model and a task. `sessions` lacks the
 * requests that Hermes makes by itself, for example for titles. Hermes does not record which model answered.
 */
export const hermesUsage: UsageDatabase = {
  format: 'database',
  databases: ({ person, env, name }) => [
    ...new Set([`${person}/.hermes/profiles/${name}/state.db`, `${env['HERMES_HOME'] ?? `${person}/.hermes`}/state.db`]),
  ],
  keys: ({ dir, name }) => [`profile ${name}`, dir],
  keyOf(path) {
    const profile = /\/profiles\/([^/]+)\/state\.db$/.exec(path)?.[1]
    return profile === undefined ? null : `profile ${profile}`
  },
  // The first one is for 0.22, the second one for 0.19.
  queries: [
    query(cwdIn('(select prompt from system_prompts where hash = s.system_prompt_hash)'), prompts),
    query(cwdIn('s.system_prompt'), prompts),
    query('s.cwd', 'null'),
    query('null', 'null'),
  ],
  readRows(state, rows, since) {
    const totals = new Map(Object.entries(membersOf(state)))
    const uses = rows.flatMap((row): Use[] => {
      const [first, at] = [msOf(row['first_seen']), msOf(row['last_seen'])]
      if (at === null) return []
      const model = stringOf(row['model']) ?? ''
      const provider = stringOf(row['billing_provider']) ?? ''
      const name = JSON.stringify([row['session_id'], model, provider, row['billing_base_url'], row['task']])
      const saved = totals.get(name)
      const before = savedTokens(saved)
      const total = totalOf(row)
      const told = promptsOf(row['prompts'], at)
      totals.delete(name)
      totals.set(name, { ...total, ...told.at(-1) })
      // burn counted an older session before, but no longer has its last total. So burn counts only the tokens after this row.
      const isOld = before === null && (first ?? at) < since
      const added = before === null ? total : addedTokens(total, before)
      if (isOld || !hasTokens(added)) return []
      const [key = null] = stringOf(row['cwd'])?.split('\n', 1) ?? []
      const about = {
        at,
        ids: [],
        provider,
        model_asked: model,
        model_answered: '',
        subscription: row['cost_status'] === 'included' ? true : null,
        ...(key === null ? {} : { key }),
        ...inSession(stringOf(row['session_id'])),
        ...asideIf(stringOf(row['task']) !== null),
      }
      return splitByPrompt(added, newAnswers(told, membersOf(saved))).map((share) => ({ ...about, ...share }))
    })
    return { uses, state: Object.fromEntries([...totals].slice(-remembered)) }
  },
}
