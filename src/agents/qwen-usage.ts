/** Reads the tokens of Qwen Code from its chat files. Facts come from running 0.24.4 against a stub model server. */
import type { Use, UsageFiles } from '../core/usage.ts'
import type { Time } from '../core/nouns.ts'
import { countOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { tagBegin, taggedDelivery } from '../core/typed-line.ts'
import { folderOf } from './claude-usage.ts'
import { asideIf, countOnce, loadRecent, messageText, recordsWith, saveRecent, recordTime, uncached } from './usage.ts'

/** A prompt of burn, its time, and the prompt before it. */
interface Told {
  readonly id: string
  readonly at: Time
  readonly before: string | null
}

/** The number of tasks in the background that the reader remembers in one file. */
const remembered = 16

/**
 * Finds the prompts of requests in the background, such as the extraction of memories after a turn. Such a task may end after the next
 * prompt, and its record names the task and not the prompt.
 */
class BackgroundTasks {
  #told: Told | null
  readonly #prompts: Map<string, string>

  /** `saved`: the value of `state` after the lines before. */
  constructor(saved: JsonObject) {
    const { id, at, before } = membersOf(saved['told'])
    this.#told = typeof id === 'string' && typeof at === 'number' ? { id, at, before: stringOf(before) } : null
    this.#prompts = new Map(
      Object.entries(membersOf(saved['tasks'])).flatMap(([task, prompt]) => (typeof prompt === 'string' ? [[task, prompt] as const] : [])),
    )
  }

  /** The values for the state of the reader. */
  get state(): JsonObject {
    return { told: this.#told === null ? null : { ...this.#told }, tasks: Object.fromEntries([...this.#prompts].slice(-remembered)) }
  }

  /** Takes note of a prompt of burn. */
  tell(id: string, at: Time): void {
    this.#told = { id, at, before: this.#told?.id ?? null }
  }

  /** Returns the prompt of a request that began at a time, if the request belongs to a task in the background. */
  promptOf(turn: string, began: Time): Pick<Use, 'prompt'> {
    const [, task] = /#([^#]+)#\d+$/.exec(turn) ?? []
    if (task === undefined || this.#told === null) return {}
    const { id, at, before } = this.#told
    const prompt = this.#prompts.get(task) ?? (began < at ? (before ?? id) : id)
    this.#prompts.set(task, prompt)
    return { prompt }
  }
}

const textOf = (line: JsonObject) => messageText(membersOf(line['message'])['parts'])

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
    return record['type'] === 'user' ? textOf(record) : null
  },
  read(saved, lines) {
    const state = membersOf(saved)
    const recent = loadRecent(state['recent'])
    const tasks = new BackgroundTasks(state)
    let asked = stringOf(state['asked']) ?? ''
    const uses = recordsWith(lines, 'qwen-code.api_', '"assistant"', tagBegin).flatMap((line) => {
      if (line['type'] === 'assistant') asked = stringOf(line['model']) ?? asked
      const event = membersOf(membersOf(line['systemPayload'])['uiEvent'])
      const [at, input] = [recordTime(line['timestamp']), countOf(event['input_token_count'])]
      if (at === null) return []
      const told = line['type'] === 'user' ? taggedDelivery(textOf(line) ?? '') : null
      if (told !== null) tasks.tell(told, at)
      // A task may begin with requests that fail.
      const prompt = tasks.promptOf(stringOf(event['prompt_id']) ?? '', at - (countOf(event['duration_ms']) ?? 0))
      if (event['event.name'] !== 'qwen-code.api_response' || input === null) return []
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
        ...prompt,
      }
      return countOnce(name, use, recent) ?? []
    })
    return { uses, state: { asked, recent: saveRecent(recent), ...tasks.state } }
  },
}
