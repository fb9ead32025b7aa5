/** The openai package, held so that it reads nothing from the environment, tries nothing again by itself, and prints nothing. */
import type OpenAI from 'openai'
import type { Endpoint } from './endpoint.ts'
import { boundedBody } from './stream-limits.ts'
import { headersOf } from './endpoint.ts'

/** Longer than any budget: what ends a request is its signal. */
const never_ms = 2 ** 31 - 1

/**
 * A client for one request. `heard` is called for every piece that comes. No answer is longer than `llm/stream-limits` allows, whether it is a stream, JSON or an error. The package takes a fifth of a second to load, so it is loaded by the first request.
 * Headers are written anew: the package sends its own about this machine, and those of `OPENAI_CUSTOM_HEADERS`, which no option turns off.
 */
export async function openClient({ url, key }: Pick<Endpoint, 'url' | 'key'>, heard: () => void): Promise<OpenAI> {
  const { OpenAI: Client } = await import('openai')
  return new Client({
    baseURL: url,
    // It starts with no key at all; this one is never sent.
    apiKey: key ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: never_ms,
    logLevel: 'off',
    fetch: async (input, init) => {
      const headers = { ...headersOf(key, true), accept: 'text/event-stream, application/json' }
      // The client's own types of a request are those of another library.
      const response = await fetch(input as string | URL | Request, { ...init, headers, redirect: 'error' } as RequestInit)
      heard()
      if (response.body === null) return response
      const { status, statusText, headers: answered } = response
      return new Response(boundedBody(response.body, heard), { status, statusText, headers: answered })
    },
  })
}
