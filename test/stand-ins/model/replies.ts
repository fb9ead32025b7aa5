/** What a scripted model may say, and every way in which an endpoint may fail to say it. */
import type { ServerResponse } from 'node:http'

export interface ToolCall {
  readonly name: string
  /** An object, or the text that stands for it: broken JSON, say. */
  readonly args: unknown
  /** Empty where the endpoint gives none. */
  readonly id?: string
}

/** A message of a conversation as it was sent. */
export interface Told {
  readonly role: string
  readonly content: string | null
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[]
  readonly tool_call_id?: string
}

/** A tool as the model was told of it. */
export interface Offered {
  readonly name: string
  readonly parameters: { readonly properties?: Readonly<Record<string, { readonly type?: string }>> }
}

export interface Says {
  readonly text?: string
  readonly calls?: readonly ToolCall[]
  /** `stop`, or `tool_calls` where there are calls, unless another is said. */
  readonly finish?: string
  /** False: the endpoint does not say what it used. */
  readonly usage?: false | Readonly<Record<string, number>>
  /** Beside the first choice of the last piece. */
  readonly extra?: object
  /** A comment before each piece. */
  readonly comments?: true
}

export type Reply =
  | Says
  /** An error with a status. */
  | { readonly status: number; readonly error?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** A stream that is as it is written here. */
  | { readonly raw: string }
  /** An answer that is no stream, with status 200. */
  | { readonly json: unknown }
  /** Nothing more comes: not even headers; nor anything after half of an answer. */
  | { readonly hang: 'at once' | 'half' }
  /** Half an answer, and then the connection breaks, or ends as if that were all. */
  | { readonly cut: 'break' | 'end' }

/** A brain: what it says next, from the conversation so far. */
export type Script = (messages: readonly Told[], tools: readonly Offered[]) => Reply

const half = 'All is '

/** Writes a reply as an OpenAI-compatible endpoint does, as a stream of pieces. */
export function write(reply: Reply, response: ServerResponse, model: string): void {
  if ('status' in reply) {
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    response.end(typeof reply.error === 'string' ? reply.error : JSON.stringify({ error: reply.error ?? { message: 'trouble' } }))
    return
  }
  if ('json' in reply) return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply.json))
  if ('raw' in reply) return void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(reply.raw)
  if ('hang' in reply && reply.hang === 'at once') return
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const chunk = (fields: object) =>
    `data: ${JSON.stringify({ id: 'chat_1', object: 'chat.completion.chunk', created: 1, model, ...fields })}\n\n`
  const piece = (delta: object, finish: string | null, extra: object = {}) =>
    chunk({ choices: [{ index: 0, delta, finish_reason: finish }], ...extra })
  if ('hang' in reply) return void response.write(piece({ content: half }, null))
  if ('cut' in reply)
    return void response.write(piece({ content: half }, null), () => (reply.cut === 'end' ? response.end() : response.destroy()))
  const { text = '', calls = [], finish = calls.length > 0 ? 'tool_calls' : 'stop', usage, extra } = reply
  response.write(piece({ role: 'assistant', content: '' }, null))
  const comment = reply.comments === true ? ': still here\n\n' : ''
  for (const word of text.split(/(?<= )/)) response.write(comment + piece({ content: word }, null))
  for (const [index, call] of calls.entries()) {
    const args = typeof call.args === 'string' ? call.args : JSON.stringify(call.args)
    const id = call.id ?? `call_${index}_${call.name}`
    response.write(piece({ tool_calls: [{ index, id, type: 'function', function: { name: call.name, arguments: '' } }] }, null))
    for (const part of args.match(/[^]{1,40}/g) ?? [])
      response.write(piece({ tool_calls: [{ index, function: { arguments: part } }] }, null))
  }
  response.write(piece({}, finish, extra))
  if (usage !== false)
    response.write(chunk({ choices: [], usage: usage ?? { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } }))
  response.end('data: [DONE]\n\n')
}
