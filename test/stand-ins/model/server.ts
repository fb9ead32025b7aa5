/** Imitates an OpenAI-compatible endpoint on loopback. A script decides its answers, and it records every request. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { write, type OfferedTool, type Reply, type Script, type ChatMessage } from './replies.ts'

/** A request for an answer, as the endpoint received it. */
export interface ModelRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
  readonly messages: readonly ChatMessage[]
}

/** The script, models and key of the endpoint. */
export interface ModelOptions {
  /** Returns each reply; or the replies in order, of which the last repeats. */
  readonly script: Script | readonly Reply[]
  /** The models that `GET /models` lists; null if there is no such route. */
  readonly models?: readonly string[] | null
  /** The only key that it accepts. */
  readonly key?: string
}

/** A running endpoint. */
export interface StandInModel {
  /** The address, with `/v1` at its end. */
  readonly url: string
  /** The requests for an answer, oldest first. */
  readonly requests: readonly ModelRequest[]
  /** Makes this the next reply, instead of the script's. */
  trouble(reply: Reply): void
  /** Resolves with the next request for an answer. */
  asked(): Promise<ModelRequest>
  close(): Promise<void>
}

/** Starts an endpoint. */
export async function startModel({ script, models = ['stand-in'], key }: ModelOptions): Promise<StandInModel> {
  const requests: ModelRequest[] = []
  const troubles: Reply[] = []
  const waiting: ((request: ModelRequest) => void)[] = []
  const next: Script =
    typeof script === 'function' ? script : () => script[Math.min(requests.length, script.length) - 1] ?? { text: 'Done.' }
  const server = createServer((request, response) => {
    void (async () => {
      const path = (request.url ?? '').split('?')[0] ?? ''
      if (key !== undefined && request.headers.authorization !== `Bearer ${key}`)
        return write(
          {
            status: 401,
            error: { message: `Incorrect API key provided: ${request.headers.authorization ?? ''}`, code: 'invalid_api_key' },
          },
          response,
          '',
        )
      if (path === '/v1/models' && models !== null)
        return write({ json: { object: 'list', data: models.map((id) => ({ id, object: 'model' })) } }, response, '')
      if (path !== '/v1/chat/completions' || request.method !== 'POST')
        return write({ status: 404, error: '404 page not found' }, response, '')
      const body = (await json(request)) as Record<string, unknown>
      const messages = body['messages'] as ChatMessage[]
      const asked: ModelRequest = { path, headers: request.headers, body, messages }
      requests.push(asked)
      for (const wake of waiting.splice(0)) wake(asked)
      const tools = ((body['tools'] ?? []) as { function: OfferedTool }[]).map((tool) => tool.function)
      write(troubles.shift() ?? next(messages, tools), response, String(body['model']))
    })().catch((thrown: unknown) => response.destroy(thrown as Error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    trouble: (reply) => void troubles.push(reply),
    asked: () => new Promise((resolve) => waiting.push(resolve)),
    close: () =>
      new Promise((done) => {
        // A client in this process learns of the end one turn of the event loop later.
        server.close(() => setImmediate(done))
        server.closeAllConnections()
      }),
  }
}
