/** The protocols of the model server: Anthropic's messages, OpenAI's chat completions and responses, and Gemini's generateContent. */

/** The tokens that the server reports for one answer. `input` excludes the parts from a cache; `output` includes reasoning. */
export interface Counts {
  readonly input: number
  readonly cache_read: number
  readonly cache_write: number
  readonly output: number
  readonly reasoning: number
}

/** The events and bodies of one protocol. */
export interface Protocol {
  /** The key of an event that has the usage, and the usage in the form of this protocol. */
  readonly usage: readonly [key: string, of: (counts: Counts) => object]
  /** The events of a streamed answer: before its words, for each word, and after them. */
  readonly begin: readonly object[]
  readonly word: (word: string) => object
  readonly end: (text: string) => readonly object[]
  readonly whole: (text: string) => object
  /** Returns all events of an answer that calls a tool. */
  readonly call: (name: string, args: string, id: string) => readonly object[]
  /** True if the protocol names its events on a line before the data. */
  readonly named: boolean
  readonly last?: string
}

/** Returns the protocol for the path of a request; null if the request asks no model. */
export function protocolOf(path: string): Protocol | null {
  if (path.endsWith('/messages')) return anthropic
  if (path.endsWith('/responses')) return responses
  if (path.endsWith('/chat/completions')) return chat
  return /:(?:stream)?[gG]enerateContent$/.test(path) ? gemini : null
}

/** The parts of an answer by which real servers tell answers apart. `counts`: null for the same few tokens in each answer. */
export interface Own {
  readonly model: string
  readonly id: string
  readonly counts: Counts | null
}

/** Returns the protocol with another name of the model in its answers, and with a message id and counts of their own, as real servers have. */
export function withOwn(protocol: Protocol, { model, id, counts }: Own): Protocol {
  const [usageKey, usageOf] = protocol.usage
  const withUsage = (usage: object | null) => {
    const value = (key: string, old: unknown) => {
      if (key === usageKey && usage !== null) return usage
      return key === 'model' ? model : key === 'id' && old === message.id ? id : old
    }
    return <T extends object>(event: T): T => JSON.parse(JSON.stringify(event), value) as T
  }
  const named = withUsage(counts === null ? null : usageOf(counts))
  // Before the words, a real server knows only the input.
  const begun = withUsage(counts === null ? null : usageOf({ ...counts, output: 1, reasoning: 0 }))
  return {
    ...protocol,
    begin: protocol.begin.map(begun),
    word: (word) => named(protocol.word(word)),
    end: (text) => protocol.end(text).map(named),
    whole: (text) => named(protocol.whole(text)),
    call: (name, args, id) => protocol.call(name, args, id).map(named),
  }
}

const usage = { input_tokens: 10, output_tokens: 3, total_tokens: 13 }
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'stub', stop_sequence: null, usage }
const anthropic: Protocol = {
  named: true,
  usage: [
    'usage',
    ({ input, cache_read, cache_write, output }) => ({
      input_tokens: input,
      cache_read_input_tokens: cache_read,
      cache_creation_input_tokens: cache_write,
      cache_creation: { ephemeral_5m_input_tokens: cache_write, ephemeral_1h_input_tokens: 0 },
      output_tokens: output,
    }),
  ],
  begin: [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ],
  word: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: () => [
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ],
  whole: (text) => ({ ...message, content: [{ type: 'text', text }], stop_reason: 'end_turn' }),
  call: (name, args, id) => [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id, name, input: {} } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: args } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ],
}

const item = (text: string, status: string) => ({
  id: 'item_1',
  type: 'message',
  role: 'assistant',
  status,
  content: [{ type: 'output_text', text, annotations: [] }],
})
const completed = (text: string) => ({
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'stub',
  output: [item(text, 'completed')],
  usage,
})
const responses: Protocol = {
  named: true,
  usage: [
    'usage',
    ({ input, cache_read, cache_write, output, reasoning }) => ({
      input_tokens: input + cache_read + cache_write,
      input_tokens_details: { cached_tokens: cache_read, cache_write_tokens: cache_write },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + cache_read + cache_write + output,
    }),
  ],
  begin: [
    { type: 'response.created', response: { id: 'resp_1', object: 'response', status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item('', 'in_progress'), content: [] } },
  ],
  word: (delta) => ({ type: 'response.output_text.delta', item_id: 'item_1', output_index: 0, content_index: 0, delta }),
  end: (text) => [
    { type: 'response.output_item.done', output_index: 0, item: item(text, 'completed') },
    { type: 'response.completed', response: completed(text) },
  ],
  whole: completed,
  call: (name, args, id) => {
    const called = { type: 'function_call', id: 'item_2', call_id: id, name, arguments: args, status: 'completed' }
    return [
      { type: 'response.created', response: { id: 'resp_2', object: 'response', status: 'in_progress', output: [] } },
      { type: 'response.output_item.done', output_index: 0, item: called },
      { type: 'response.completed', response: { ...completed(''), id: 'resp_2', output: [called] } },
    ]
  },
}

const choice = (more: object, finish: string | null) => ({ index: 0, finish_reason: finish, ...more })
const completion = { id: 'chat_1', created: 1, model: 'stub' }
const counted = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 }
const chat: Protocol = {
  named: false,
  usage: [
    'usage',
    ({ input, cache_read, cache_write, output, reasoning }) => ({
      prompt_tokens: input + cache_read + cache_write,
      prompt_tokens_details: { cached_tokens: cache_read },
      completion_tokens: output,
      completion_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: input + cache_read + cache_write + output,
    }),
  ],
  begin: [{ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: { role: 'assistant', content: '' } }, null)] }],
  word: (content) => ({ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: { content } }, null)] }),
  end: () => [{ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: {} }, 'stop')], usage: counted }],
  whole: (content) => ({
    ...completion,
    object: 'chat.completion',
    choices: [choice({ message: { role: 'assistant', content } }, 'stop')],
    usage: counted,
  }),
  call: (name, args, id) => {
    const called = { index: 0, id, type: 'function', function: { name, arguments: args } }
    const chunk = { ...completion, object: 'chat.completion.chunk' }
    return [
      { ...chunk, choices: [choice({ delta: { role: 'assistant', content: null, tool_calls: [called] } }, null)] },
      { ...chunk, choices: [choice({ delta: {} }, 'tool_calls')], usage: counted },
    ]
  },
  last: 'data: [DONE]\n\n',
}

const candidate = (text: string, finishReason?: string) => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...(finishReason === undefined ? {} : { finishReason }) }],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 },
})
export const gemini: Protocol = {
  named: false,
  usage: [
    'usageMetadata',
    ({ input, cache_read, cache_write, output, reasoning }) => ({
      promptTokenCount: input + cache_read + cache_write,
      cachedContentTokenCount: cache_read,
      candidatesTokenCount: output - reasoning,
      thoughtsTokenCount: reasoning,
      totalTokenCount: input + cache_read + cache_write + output,
    }),
  ],
  begin: [],
  word: (text) => candidate(text),
  end: () => [candidate('', 'STOP')],
  whole: (text) => candidate(text, 'STOP'),
  call: (name, args) => [
    {
      candidates: [
        { index: 0, content: { role: 'model', parts: [{ functionCall: { name, args: JSON.parse(args) } }] }, finishReason: 'STOP' },
      ],
      usageMetadata: candidate('').usageMetadata,
    },
  ],
}
