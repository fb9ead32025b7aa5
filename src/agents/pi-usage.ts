/** Reads the tokens of pi from its session files. Facts come from running 0.73.1 against a stub model server. */
import type { UsageFiles } from '../core/usage.ts'
import { countOf, membersOf, stringOf } from '../core/json.ts'
import { countOnce, hasTokens, loadRecent, messageText, recordsWith, saveRecent, recordTime } from './usage.ts'

/** The session files of pi: one folder for each working directory. pi reports a cost of 0 for models without a price. */
export const piUsage: UsageFiles = {
  format: 'files',
  folders: ({ person, env }) => [`${env['PI_CODING_AGENT_DIR'] ?? `${person}/.pi/agent`}/sessions`],
  name: '*.jsonl',
  keys: ({ dir }) => [`-${dir.replaceAll(/[/\\:]/g, '-')}--`],
  keyOf: (path) => /\/sessions\/([^/]+)\//.exec(path)?.[1] ?? '',
  promptOf(line) {
    const message = membersOf(recordsWith([line], '"user"')[0]?.['message'])
    return message['role'] === 'user' ? messageText(message['content']) : null
  },
  read(state, lines) {
    const recent = loadRecent(state)
    const uses = recordsWith(lines, '"usage"').flatMap((line) => {
      const message = membersOf(line['message'])
      const usage = membersOf(message['usage'])
      const [at, input, output] = [recordTime(line['timestamp']), countOf(usage['input']), countOf(usage['output'])]
      if (message['role'] !== 'assistant' || at === null || input === null || output === null) return []
      const asked = stringOf(message['model']) ?? ''
      const name = `${stringOf(line['id']) ?? ''} ${at}`
      const use = {
        at,
        ids: [name],
        provider: stringOf(message['provider']) ?? '',
        model_asked: asked,
        model_answered: stringOf(message['responseModel']) ?? asked,
        subscription: null,
        calls: 1,
        input,
        cache_read: countOf(usage['cacheRead']),
        cache_write: countOf(usage['cacheWrite']),
        output,
        reasoning: countOf(usage['reasoning']),
        reported_cost: countOf(membersOf(usage['cost'])['total']) || null,
      }
      // pi records a request that failed, or whose answer was cut, with zeros. Its tokens are unknown.
      return hasTokens({ ...use, calls: 0 }) ? (countOnce(name, use, recent) ?? []) : []
    })
    return { uses, state: saveRecent(recent) }
  },
}
