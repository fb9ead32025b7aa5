/**
 * A model server on loopback for real agents. It imitates Anthropic's messages, OpenAI's chat completions and responses, and Gemini's
 * generateContent, streamed or whole. It records every request. An answer is a few words over `turn_ms`, a failure, or a call of one of the
 * agent's own tools.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { gemini, protocolOf, withOwn, type Counts, type Protocol } from './protocols.ts'

/** A request to the model. */
export interface Asked {
  readonly at: number
  readonly path: string
  /** All texts of the user in the request, oldest first. */
  readonly texts: readonly string[]
  /** The whole request, with everything that left the agent. */
  readonly body: string
}

/** The refusal of a provider: its status, and the code and message of its body. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** `empty` is an answer without words. `reset` cuts the connection, `cut` cuts it in the middle of the answer. */
export type Failure = Refusal | 'empty' | 'reset' | 'cut'

/** An answer with its counts. */
export interface Served extends Counts {
  readonly at: number
  /** The id of the delivery that the agent got last before the request; null if the request has none. */
  readonly prompt: string | null
  /** False if the connection was cut in the middle of the answer, by the server or by the agent. */
  whole: boolean
  /** True for an answer without words. */
  readonly empty: boolean
  /** The whole request. */
  readonly body: string
}

/** A tool that an agent offers, with the names of its parameters. */
interface Tool {
  readonly name: string
  readonly parameters: readonly string[]
}

/** A call of the first tool whose name matches. */
export interface Call {
  readonly tool: RegExp
  readonly args: (tool: Tool) => object
}

/** A running model server. */
export interface ModelServer {
  readonly url: string
  readonly asked: readonly Asked[]
  /** The time that further answers take (ms). */
  turn_ms: number
  /** The tool that the answer to a delivery calls first, once, by the id of the delivery. The key '' is for texts without an id, `*` for all others. */
  readonly calling: Map<string, Call>
  /** The failure of requests whose newest delivery has this id. The key `*` is for all other requests. */
  readonly failing: Map<string, Failure>
  /** The answers so far. */
  readonly served: Served[]
  /** The counts of the next answer, by its number; null for the same few tokens in each answer. */
  counts: ((number: number) => Counts) | null
  /** Models whose requests fail as if their provider were overloaded. */
  readonly down: Set<string>
  /** The model that the answers name: null for `stub`, or a function of the model that the agent asked for. */
  answers_as: ((asked: string) => string) | null
  close(): void
}

type Manner = Pick<ModelServer, 'turn_ms' | 'calling' | 'failing' | 'down' | 'answers_as' | 'served' | 'counts'>

const overloaded: Refusal = { status: 503, code: 'overloaded_error', message: 'The model is overloaded' }

/** The requests so far, and the ids of the deliveries for which the agent called a tool. */
interface Kept {
  readonly asked: Asked[]
  readonly called: Set<string>
}

type Body = Readonly<Record<string, unknown>>
const words = ['All ', 'is ', 'well.']

/** Starts a model server. */
export async function startModel(): Promise<ModelServer> {
  const record: Kept = { asked: [], called: new Set() }
  const { asked } = record
  const model: Manner = {
    turn_ms: 300,
    calling: new Map(),
    failing: new Map(),
    served: [],
    counts: null,
    down: new Set(),
    answers_as: null,
  }
  const server = createServer((request, response) => {
    void answer(request, response, record, model).catch((thrown: unknown) => response.destroy(thrown as Error))
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

async function answer(request: IncomingMessage, response: ServerResponse, { asked, called }: Kept, model: Manner): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  if (request.method !== 'POST')
    return void send(response, path.endsWith('/models') ? { object: 'list', data: [{ id: 'stub', object: 'model' }] } : {})
  const body = (await json(request)) as Body
  if (/count_?[tT]okens$/.test(path)) return void send(response, { input_tokens: 10, totalTokens: 10 })
  const asked_model = String(body['model'] ?? '')
  const plain = protocolOf(path)
  if (plain === null) return void send(response, {})
  const counts = model.counts?.(asked.length) ?? null
  const protocol = withOwn(plain, { model: model.answers_as?.(asked_model) ?? 'stub', id: `msg_${asked.length + 1}`, counts })
  const texts = textsOf(body['messages'] ?? body['input'] ?? body['contents'])
  asked.push({ at: Date.now(), path, texts, body: JSON.stringify(body) })
  const failure = model.down.has(asked_model) ? overloaded : (model.failing.get(newestId(texts) ?? '') ?? model.failing.get('*'))
  if (failure === 'reset') return void response.destroy()
  if (typeof failure === 'object') return void refuse(response, failure, protocol)
  const streams = body['stream'] === true || path.endsWith('streamGenerateContent')
  if (failure === 'cut' && !streams) return void response.destroy()
  if (counts !== null) {
    const about = { at: Date.now(), prompt: newestId(texts) ?? null, empty: failure === 'empty', body: asked.at(-1)?.body ?? '' }
    const answered: Served = { ...counts, ...about, whole: true }
    model.served.push(answered)
    response.once('close', () => (answered.whole = response.writableFinished))
  }
  const answerWords = failure === 'empty' ? [] : words
  if (!streams) return void send(response, protocol.whole(answerWords.join('')))
  const id = newestId(texts.slice(-1)) ?? ''
  const call = model.calling.get(id) ?? (called.has(id) ? undefined : model.calling.get('*'))
  const tool = call === undefined ? undefined : toolsOf(body).find(({ name }) => call.tool.test(name))
  if (call !== undefined && tool !== undefined) {
    model.calling.delete(id)
    called.add(id)
    return writeAll(response, protocol, protocol.call(tool.name, JSON.stringify(call.args(tool)), `call_${asked.length}`))
  }
  await stream(response, failure === 'cut' ? { ...protocol, end: () => [] } : protocol, answerWords, model.turn_ms)
}

/** Returns the id of the delivery that the agent got last. */
function newestId(texts: readonly string[]): string | undefined {
  return [...texts.join('\n').matchAll(/\[burn ([0-9a-z]{13})\]/g)].at(-1)?.[1]
}

/** Sends one body that the clients of all protocols understand, except Gemini's, which gets its own. */
function refuse(response: ServerResponse, { status, code, message }: Refusal, protocol: Protocol): void {
  const error = protocol.whole === gemini.whole ? { code: status, status: code.toUpperCase(), message } : { type: code, code, message }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ type: 'error', error }))
}

function toolsOf({ tools }: Body): Tool[] {
  return ((tools ?? []) as Body[])
    .flatMap((tool) => (tool['functionDeclarations'] as Body[] | undefined) ?? [(tool['function'] as Body | undefined) ?? tool])
    .map(({ name, parameters, parametersJsonSchema, input_schema }) => {
      const schema = (parameters ?? parametersJsonSchema ?? input_schema ?? {}) as Body
      return { name: String(name), parameters: Object.keys((schema['properties'] as object | undefined) ?? {}) }
    })
}

function commandFor({ name, parameters }: Tool, command: string): object {
  if (parameters.includes('cmd')) return { cmd: command }
  return { command: name === 'shell' ? ['sh', '-c', command] : command, description: 'As requested' }
}

/** Returns a call that runs a command in the agent's own shell. */
export function shellCall(command: string): Call {
  return {
    tool: /^(?:Bash|bash|shell|shell_command|exec_command|run_shell_command|terminal)$/,
    args: (tool) => commandFor(tool, command),
  }
}

/** Returns a call that reads a file, with the agent's tool for that, or with its shell if it has none. */
export function readCall(path: string): Call {
  return {
    tool: /^(?:Read|read|read_file|exec_command|shell|shell_command)$/,
    args: (tool) => {
      const parameter = tool.parameters.find((name) => /path/i.test(name))
      return parameter === undefined ? commandFor(tool, `cat '${path}'`) : { [parameter]: path }
    },
  }
}

function writeAll(response: ServerResponse, protocol: Protocol, events: readonly object[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(lineOf(protocol, event))
  response.end(protocol.last ?? '')
}

function lineOf({ named }: Protocol, event: object): string {
  return `${named ? `event: ${(event as { type: string }).type}\n` : ''}data: ${JSON.stringify(event)}\n\n`
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function stream(response: ServerResponse, protocol: Protocol, answerWords: readonly string[], ms: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const write = (event: object) => response.write(lineOf(protocol, event))
  for (const event of protocol.begin) write(event)
  for (const word of answerWords) {
    await sleep(ms / answerWords.length)
    write(protocol.word(word))
  }
  const end = protocol.end(answerWords.join(''))
  if (end.length === 0) return void response.destroy()
  for (const event of end) write(event)
  response.end(protocol.last ?? '')
}

/** Returns the texts that a person wrote: roles are in `messages`, `input` or `contents`, parts in `content` or `parts`. */
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
