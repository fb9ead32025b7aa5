/**
 * A model server on loopback that real agents can be pointed at: it speaks Anthropic's messages, OpenAI's chat completions and responses, and
 * Gemini's generateContent, streamed or whole. Every request's last user text is kept; the answer is a few words, spread over `turn_ms`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Asked {
  readonly at: number
  readonly path: string
  /** All user texts of the request, oldest first. */
  readonly texts: readonly string[]
}

export interface ModelServer {
  readonly url: string
  readonly asked: readonly Asked[]
  /** How long answers take from now on, milliseconds. */
  turn_ms: number
  close(): void
}

type Body = Readonly<Record<string, unknown>>
interface Protocol {
  /** What is sent while it streams, for each word, and around them. */
  readonly begin: readonly object[]
  readonly word: (word: string) => object
  readonly end: (text: string) => readonly object[]
  readonly whole: (text: string) => object
  /** The line before the data, where the protocol names its events. */
  readonly named: boolean
  readonly last?: string
}

const words = ['All ', 'is ', 'well.']
const usage = { input_tokens: 10, output_tokens: 3, total_tokens: 13 }

export async function startModel(): Promise<ModelServer> {
  const asked: Asked[] = []
  const model = { turn_ms: 300 }
  const server = createServer((request, response) => {
    void answer(request, response, asked, model).catch((thrown: unknown) => response.destroy(thrown as Error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return Object.assign(model, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
}

async function answer(request: IncomingMessage, response: ServerResponse, asked: Asked[], model: { turn_ms: number }): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  if (request.method !== 'POST')
    return void send(response, path.endsWith('/models') ? { object: 'list', data: [{ id: 'stub', object: 'model' }] } : {})
  const body = (await json(request)) as Body
  if (/count_?[tT]okens$/.test(path)) return void send(response, { input_tokens: 10, totalTokens: 10 })
  const protocol = protocolOf(path)
  if (protocol === null) return void send(response, {})
  const texts = textsOf(body['messages'] ?? body['input'] ?? body['contents'])
  asked.push({ at: Date.now(), path, texts })
  if (body['stream'] !== true && !path.endsWith('streamGenerateContent')) return void send(response, protocol.whole(words.join('')))
  await stream(response, protocol, model.turn_ms)
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function stream(response: ServerResponse, protocol: Protocol, ms: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const write = (event: object) => {
    const name = protocol.named ? `event: ${(event as { type: string }).type}\n` : ''
    response.write(`${name}data: ${JSON.stringify(event)}\n\n`)
  }
  for (const event of protocol.begin) write(event)
  for (const word of words) {
    await sleep(ms / words.length)
    write(protocol.word(word))
  }
  for (const event of protocol.end(words.join(''))) write(event)
  response.end(protocol.last ?? '')
}

/** Texts that a person wrote, wherever the protocol keeps them: roles in `messages`, `input` or `contents`, parts in `content` or `parts`. */
function textsOf(messages: unknown): string[] {
  if (typeof messages === 'string') return [messages]
  if (!Array.isArray(messages)) return []
  return (messages as Body[])
    .filter(({ role }) => role === 'user')
    .map((message) => partsOf(message['content'] ?? message['parts']).join('\n'))
}

function partsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content]
  return Array.isArray(content) ? (content as Body[]).flatMap(({ text }) => (typeof text === 'string' ? [text] : [])) : []
}

function protocolOf(path: string): Protocol | null {
  if (path.endsWith('/messages')) return anthropic
  if (path.endsWith('/responses')) return responses
  if (path.endsWith('/chat/completions')) return chat
  return /:(?:stream)?[gG]enerateContent$/.test(path) ? gemini : null
}

const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'stub', stop_sequence: null, usage }
const anthropic: Protocol = {
  named: true,
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
}

const choice = (more: object, finish: string | null) => ({ index: 0, finish_reason: finish, ...more })
const completion = { id: 'chat_1', created: 1, model: 'stub' }
const counted = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 }
const chat: Protocol = {
  named: false,
  begin: [{ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: { role: 'assistant', content: '' } }, null)] }],
  word: (content) => ({ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: { content } }, null)] }),
  end: () => [{ ...completion, object: 'chat.completion.chunk', choices: [choice({ delta: {} }, 'stop')], usage: counted }],
  whole: (content) => ({
    ...completion,
    object: 'chat.completion',
    choices: [choice({ message: { role: 'assistant', content } }, 'stop')],
    usage: counted,
  }),
  last: 'data: [DONE]\n\n',
}

const candidate = (text: string, finishReason?: string) => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...(finishReason === undefined ? {} : { finishReason }) }],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 },
})
const gemini: Protocol = {
  named: false,
  begin: [],
  word: (text) => candidate(text),
  end: () => [candidate('', 'STOP')],
  whole: (text) => candidate(text, 'STOP'),
}
