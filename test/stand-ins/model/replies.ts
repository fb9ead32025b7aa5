/** The replies of a scripted model, and every way in which an endpoint may fail. */
import type { ServerResponse } from 'node:http'

/** A call of a tool by the model. */
export interface ToolCall {
  readonly name: string
  /** An object, or its text, which may be broken JSON. */
  readonly args: unknown
  /** Empty if the endpoint gives no id. */
  readonly id?: string
}

/** A message of a conversation, as a client sent it. */
export interface ChatMessage {
  readonly role: string
  readonly content: string | null
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[]
  readonly tool_call_id?: string
}

/** A tool that a client offered to the model. */
export interface OfferedTool {
  readonly name: string
  readonly parameters: { readonly properties?: Readonly<Record<string, { readonly type?: string }>> }
}

/** An answer of the model, in words or calls. */
export interface Says {
  readonly text?: string
  readonly calls?: readonly ToolCall[]
  /** The finish reason. Without it, `tool_calls` if there are calls, else `stop`. */
  readonly finish?: string
  /** False if the endpoint does not report usage. */
  readonly usage?: false | Readonly<Record<string, number>>
  /** Further fields beside the first choice of the last chunk. */
  readonly extra?: object
  /** Sends a comment before each chunk. */
  readonly comments?: true
}

/** One reply of the endpoint. */
export type Reply =
  | Says
  /** An error with a status. */
  | { readonly status: number; readonly error?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** A stream, exactly as written here. */
  | { readonly raw: string }
  /** An answer with status 200 that is not a stream. */
  | { readonly json: unknown }
  /** Nothing further arrives: no headers at all, or nothing after half of an answer. */
  | { readonly hang: 'at once' | 'half' }
  /** Half of an answer, after which the connection breaks, or ends as if the answer were complete. */
  | { readonly cut: 'break' | 'end' }

/** A brain: it returns the next reply for a conversation. */
export type Script = (messages: readonly ChatMessage[], tools: readonly OfferedTool[]) => Reply

const half = 'All is '

/** Writes a reply as an OpenAI-compatible endpoint does, as a stream of chunks. */
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
