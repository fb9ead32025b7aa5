/** Sends HTTP requests to models and to channels of notifications, through the proxy that the environment names. */
import type { Dispatcher } from 'undici'
import { proxyFor, type Env } from './proxy.ts'

/** The settings of a request. `timeout_ms`: the time (ms) after which the caller aborts it. */
export type FetchInit = RequestInit & { readonly timeout_ms?: number }

/** Sends a request like the global `fetch`. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** Returns the global `fetch`, and that of undici for requests through a proxy: Node's own cannot use a proxy before Node 24. */
export function openFetch(env: Env): Fetch {
  const opened = new Map<string, Promise<Dispatcher>>()
  return async (url, init) => {
    const proxy = proxyFor(new URL(url), env)
    if (proxy === null) return fetch(url, init)
    const { fetch: fetchThrough } = await import('undici')
    const dispatcher = opened.get(proxy.href) ?? openProxy(proxy)
    opened.set(proxy.href, dispatcher)
    // The types of undici differ from those of Node, but the objects are the same at run time.
    return (await fetchThrough(url, { ...(init as object), dispatcher: await dispatcher })) as unknown as Response
  }
}

async function openProxy(proxy: URL): Promise<Dispatcher> {
  const { ProxyAgent } = await import('undici')
  return new ProxyAgent({ uri: proxy.href, allowH2: false })
}
