/** Reads the tokens of OpenCode from its database. Facts come from running 1.18.33 against a stub model server. */
import type { UsageDatabase, Use } from '../core/usage.ts'
import { countOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { tagBegin, taggedDelivery, tagLength } from '../core/typed-line.ts'
import { asideIf, hasTokens, inSession, sumOf } from './usage.ts'

/** Messages of several sessions end almost at once, in another order than OpenCode saves them. burn reads this period (ms) again. */
const overlap = 10 * 60_000

/**
 * The tag of the text of burn that the agent received last before the request. A request names the message that it answers. For a
 * sub-agent, the texts are in the session of its parent.
 */
const prompt = `(select substr(json_extract(p.data, '$.text'), 1, ${tagLength}) from message q join part p on p.message_id = q.id
    where q.session_id = coalesce(s.parent_id, m.session_id) and json_extract(q.data, '$.role') = 'user'
    and q.time_created <= coalesce((select a.time_created from message a where a.id = json_extract(m.data, '$.parentID')), m.time_created)
    and json_extract(p.data, '$.text') like '${tagBegin}%' order by q.time_created desc limit 1)`

/** Returns the query with expressions for the session's parent and the prompt; null in their place for versions without the columns. */
function query(parent: string, promptOf: string): string {
  return `select m.id, m.data, m.session_id, s.directory, ${parent} as parent, ${promptOf} as prompt
    from message m left join session s on s.id = m.session_id
    where json_extract(m.data, '$.time.completed') >= ? - ${overlap} and json_extract(m.data, '$.role') = 'assistant'
    order by json_extract(m.data, '$.time.completed')`
}

/**
 * The database of OpenCode. burn counts a message once it is complete. OpenCode records no tokens of the requests for titles, and a cost of
 * 0 for models without a price.
 */
export const opencodeUsage: UsageDatabase = {
  format: 'database',
  databases: ({ person, env }) => [`${env['XDG_DATA_HOME'] ?? `${person}/.local/share`}/opencode/opencode.db`],
  keys: ({ dir }) => [dir],
  keyOf: () => null,
  queries: [query('s.parent_id', prompt), query('s.parent_id', 'null'), query('null', 'null')],
  readRows(state, rows, since) {
    const counted = new Map(Object.entries(membersOf(state)))
    const earliest = counted.size === 0 ? since : 0
    const uses = rows.flatMap((row): Use[] => {
      const message = membersOf(parseJson(stringOf(row['data']) ?? '')?.value)
      const tokens = membersOf(message['tokens'])
      const cache = membersOf(tokens['cache'])
      const [id, at, input] = [stringOf(row['id']), countOf(membersOf(message['time'])['completed']), countOf(tokens['input'])]
      if (id === null || at === null || input === null || at < earliest || counted.has(id)) return []
      counted.set(id, at)
      const key = stringOf(row['directory']) ?? stringOf(membersOf(message['path'])['cwd'])
      const reasoning = countOf(tokens['reasoning'])
      const told = taggedDelivery(stringOf(row['prompt']) ?? '')
      const use = {
        at,
        ids: [id],
        provider: stringOf(message['providerID']) ?? '',
        model_asked: stringOf(message['modelID']) ?? '',
        model_answered: '',
        subscription: null,
        calls: 1,
        input,
        cache_read: countOf(cache['read']),
        cache_write: countOf(cache['write']),
        output: sumOf(countOf(tokens['output']), reasoning) ?? 0,
        reasoning,
        reported_cost: countOf(message['cost']) || null,
        ...inSession(stringOf(row['session_id'])),
        // The session of a sub-agent has a parent.
        ...asideIf(stringOf(row['parent']) !== null),
        ...(told === null ? {} : { prompt: told }),
        ...(key === null ? {} : { key }),
      }
      // The user ended the request, or it failed: OpenCode records zeros. Its tokens are unknown.
      return hasTokens({ ...use, calls: 0 }) ? [use] : []
    })
    const newest = Math.max(...[...counted.values()].map((at) => countOf(at) ?? 0))
    return { uses, state: Object.fromEntries([...counted].filter(([, at]) => (countOf(at) ?? 0) >= newest - 2 * overlap)) }
  },
}
