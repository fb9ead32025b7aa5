/** Reads the tokens of Hermes from its databases. Facts come from running 0.19.0 and 0.22.2 against a stub model server. */
import type { Tokens, UsageDatabase, Use } from '../core/usage.ts'
import type { Time } from '../core/nouns.ts'
import { countOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { addedTokens, asideIf, inSession, hasTokens, savedTokens } from './usage.ts'

/** The number of running totals that the reader remembers for each database. */
const remembered = 2_000

/** Returns the query, with the column of the working directory, or null in its place for versions that do not have the column. */
function query(cwd: string): string {
  return `select u.session_id, u.model, u.billing_provider, u.billing_base_url, u.task, u.api_call_count, u.input_tokens, u.output_tokens,
    u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens, u.estimated_cost_usd, u.actual_cost_usd, u.cost_status, u.first_seen,
    u.last_seen, ${cwd} as cwd from session_model_usage u left join sessions s on s.id = u.session_id where u.last_seen >= ? / 1000.0`
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
  queries: [query('s.cwd'), query('null')],
  readRows(state, rows, since) {
    const totals = new Map(Object.entries(membersOf(state)))
    const uses = rows.flatMap((row): Use[] => {
      const [first, at] = [msOf(row['first_seen']), msOf(row['last_seen'])]
      if (at === null) return []
      const model = stringOf(row['model']) ?? ''
      const provider = stringOf(row['billing_provider']) ?? ''
      const name = JSON.stringify([row['session_id'], model, provider, row['billing_base_url'], row['task']])
      const before = savedTokens(totals.get(name))
      const total = totalOf(row)
      totals.delete(name)
      totals.set(name, total)
      // burn counted an older session before, but no longer has its last total. So burn counts only the tokens after this row.
      const isOld = before === null && (first ?? at) < since
      const added = before === null ? total : addedTokens(total, before)
      if (isOld || !hasTokens(added)) return []
      const key = stringOf(row['cwd'])
      const subscription = row['cost_status'] === 'included' ? true : null
      const use = {
        ...added,
        at,
        ids: [],
        provider,
        model_asked: model,
        model_answered: '',
        subscription,
        ...inSession(stringOf(row['session_id'])),
        ...asideIf(stringOf(row['task']) !== null),
      }
      return [key === null ? use : { ...use, key }]
    })
    return { uses, state: Object.fromEntries([...totals].slice(-remembered)) }
  },
}
