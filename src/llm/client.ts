/** Loads the `openai` package and creates a client that reads no environment variables, does not retry and prints nothing. */
import type OpenAI from 'openai'
import type { Endpoint } from './endpoint.ts'
import type { Fetch } from '../host/fetch.ts'
import { boundedBody } from './stream-limits.ts'
import { headersOf } from './endpoint.ts'

/** Longer than any budget, so that only the abort signal ends a request. */
const noTimeout_ms = 2 ** 31 - 1

/**
 * Returns a client for one request. The client calls `onBytes` for every chunk of the response, and enforces the limits of
 * `stream-limits.ts`. The `openai` package is loaded here, because loading it at startup would be slow. The client sends burn's own
 * headers: those of the package describe this machine, and no option makes the package ignore `OPENAI_CUSTOM_HEADERS`.
 */
export async function openClient(
  { url, key, fetch }: Pick<Endpoint, 'url' | 'key'> & { readonly fetch: Fetch },
  onBytes: () => void,
): Promise<OpenAI> {
  const { OpenAI: Client } = await import('openai')
  return new Client({
    baseURL: url,
    // The package requires a key. The headers below replace it.
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
      // The package gives the URL as a string, and declares these types for the fetch function of another library.
      const response = await fetch(String(input), { ...init, headers, redirect: 'error' } as RequestInit)
      onBytes()
      if (response.body === null) return response
      const { status, statusText, headers: responseHeaders } = response
      return new Response(boundedBody(response.body, onBytes), { status, statusText, headers: responseHeaders })
    },
  })
}
