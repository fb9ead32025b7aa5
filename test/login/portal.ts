/** A stand-in of Hermes' portal on loopback: it renews logins, and revokes a login if a token is used twice. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tokenWith } from '../support/logins.ts'

/** What the portal answers to a request for new tokens. */
export type Answer = 'renew' | 'unavailable' | 'invalid_grant'

/** A running portal. */
export interface Portal {
  readonly url: string
  /** The answer to the next requests. */
  answer: Answer
  /** The lifetime (s) of the tokens that it gives. */
  lifetime: number
  /** The time (ms) that it takes to answer. */
  delay: number
  /** The requests for new tokens since the last reset: the outcome of each. */
  readonly requests: string[]
  /** Returns the state `providers.nous` of a new login that ends in `seconds`. */
  login(seconds: number): Readonly<Record<string, unknown>>
  close(): Promise<void>
}

/** Starts a portal. */
export async function startPortal(): Promise<Portal> {
  /** The only valid refresh token of each session, and the sessions that are revoked. */
  const valid = new Map<string, string>()
  let count = 0
  const issue = (session: string, seconds: number) => {
    const refresh_token = `canary-refresh.${session}.${count++}`
    valid.set(session, refresh_token)
    const exp = Math.floor(Date.now() / 1000) + seconds
    const access_token = tokenWith({ exp, scope: 'inference:invoke', jti: `canary-${count}` })
    return { access_token, refresh_token, token_type: 'Bearer', scope: 'inference:invoke', expires_in: seconds }
  }
  const respond = (token: string): [number, object] => {
    const [, session = ''] = token.split('.')
    if (portal.answer === 'unavailable') return [503, { error: 'temporarily_unavailable' }]
    if (portal.answer === 'invalid_grant') return [400, { error: 'invalid_grant', error_description: 'canary-description' }]
    if (valid.get(session) === token) return [200, issue(session, portal.lifetime)]
    valid.delete(session)
    return [400, { error: 'refresh_token_reused', error_description: 'reuse detected' }]
  }
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      setTimeout(() => {
        const isToken = request.method === 'POST' && request.url === '/api/oauth/token'
        const [status, body] = isToken ? respond(String(request.headers['x-nous-refresh-token'])) : [404, {}]
        if (isToken) portal.requests.push(status === 200 ? 'renewed' : String((body as { error: string }).error))
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }, portal.delay)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const portal: Portal = {
    url,
    answer: 'renew',
    lifetime: 3600,
    delay: 50,
    requests: [],
    login(seconds) {
      const now = Date.now()
      const iso = (at: number) => new Date(at).toISOString().replace('Z', '+00:00')
      const state = issue(`s${count}`, seconds)
      const expires_at = iso(now + seconds * 1000)
      const about = { portal_base_url: url, inference_base_url: url, client_id: 'hermes-cli', obtained_at: iso(now), expires_at }
      return { ...state, ...about, agent_key: state.access_token, agent_key_expires_at: expires_at }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return portal
}
