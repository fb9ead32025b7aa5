/** Opens the `openai` package so that it reads no environment variables, does not retry and prints nothing. */
import type OpenAI from 'openai'
import type { Endpoint } from './endpoint.ts'
import { boundedBody } from './stream-limits.ts'
import { headersOf } from './endpoint.ts'

/** Longer than any budget: only its signal ends a request. */
const noTimeout_ms = 2 ** 31 - 1

/**
 * Returns a client for one request. It calls `onBytes` for every chunk of the response, and enforces the limits of `stream-limits.ts` on
 * every response. It loads the package only now, because that is slow. It replaces the package's headers: they describe this machine, and
 * no option turns off `OPENAI_CUSTOM_HEADERS`.
 */
export async function openClient({ url, key }: Pick<Endpoint, 'url' | 'key'>, onBytes: () => void): Promise<OpenAI> {
  const { OpenAI: Client } = await import('openai')
  return new Client({
    baseURL: url,
    // The package insists on a key. The headers below replace it.
    apiKey: key ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: noTimeout_ms,
    logLevel: 'off',
    fetch: async (input, init) => {
      const headers = { ...headersOf(key, true), accept: 'text/event-stream, application/json' }
      // The package declares these types with another library's fetch.
      const response = await fetch(input as string | URL | Request, { ...init, headers, redirect: 'error' } as RequestInit)
      onBytes()
      if (response.body === null) return response
      const { status, statusText, headers: responseHeaders } = response
      return new Response(boundedBody(response.body, onBytes), { status, statusText, headers: responseHeaders })
    },
  })
}
