/** Reads the tokens of Qwen Code from its chat files. Facts come from running 0.24.4 against a stub model server. */
import type { UsageFiles } from '../core/usage.ts'
import { countOf, membersOf, stringOf } from '../core/json.ts'
import { folderOf } from './claude-usage.ts'
import { asideIf, countOnce, loadRecent, messageText, recordsWith, saveRecent, recordTime, uncached } from './usage.ts'

/**
 * The chat files of Qwen Code. burn reads the lines `ui_telemetry`, one for each request. The lines `assistant` lack the requests that Qwen
 * Code makes by itself, for example to extract memories.
 */
export const qwenUsage: UsageFiles = {
  format: 'files',
  folders: ({ person, env }) => [`${env['QWEN_RUNTIME_DIR'] ?? env['QWEN_HOME'] ?? `${person}/.qwen`}/projects`],
  name: '*.jsonl',
  keys: ({ dir }) => [folderOf(dir)],
  keyOf: (path) => /\/projects\/([^/]+)\/chats\//.exec(path)?.[1] ?? '',
  promptOf(line) {
    const [record = {}] = recordsWith([line], '"user"')
    return record['type'] === 'user' ? messageText(membersOf(record['message'])['parts']) : null
  },
  read(saved, lines) {
    const state = membersOf(saved)
    const recent = loadRecent(state['recent'])
    let asked = stringOf(state['asked']) ?? ''
    const uses = recordsWith(lines, 'qwen-code.api_response', '"assistant"').flatMap((line) => {
      if (line['type'] === 'assistant') asked = stringOf(line['model']) ?? asked
      const event = membersOf(membersOf(line['systemPayload'])['uiEvent'])
      const [at, input] = [recordTime(line['timestamp']), countOf(event['input_token_count'])]
      if (event['event.name'] !== 'qwen-code.api_response' || at === null || input === null) return []
      const cache_read = countOf(event['cached_content_token_count'])
      const answered = stringOf(event['model']) ?? ''
      const name = stringOf(line['uuid']) ?? `${at}`
      const use = {
        at,
        ids: [name],
        provider: '',
        model_asked: asked === '' ? answered : asked,
        model_answered: answered,
        subscription: event['auth_type'] === 'qwen-oauth' ? true : null,
        calls: 1,
        input: uncached(input, cache_read),
        cache_read,
        cache_write: null,
        output: countOf(event['output_token_count']) ?? 0,
        reasoning: countOf(event['thoughts_token_count']),
        reported_cost: null,
        ...asideIf(stringOf(event['subagent_name']) !== null),
      }
      return countOnce(name, use, recent) ?? []
    })
    return { uses, state: { asked, recent: saveRecent(recent) } }
  },
}
