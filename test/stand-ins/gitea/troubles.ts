/** What can go wrong between a program and a forge, to be asked for in tests. */
import type { ServerResponse } from 'node:http'

export type Trouble =
  /** An answer of its own; nothing is done. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly message?: string }
  /** A login page. */
  | { readonly kind: 'html' }
  /** The right answer, late. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** JSON that ends too early; with `hang_up` the connection does. */
  | { readonly kind: 'cut'; readonly hang_up?: boolean }
  /** It is done, but nobody hears of it. */
  | { readonly kind: 'lost_answer' }
  /** It is done, and the answer says that it failed. */
  | { readonly kind: 'failed_answer'; readonly status: number }
  /** The right answer, changed on its way. */
  | { readonly kind: 'changed'; readonly change: (json: unknown) => unknown }
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: number }
  /** An answer without its paging headers. */
  | { readonly kind: 'uncounted'; readonly link?: boolean }

export interface PlannedTrouble {
  readonly trouble: Trouble
  /** Which requests: matched against `METHOD /path?query`. */
  readonly on: RegExp
  /** How many of them; all without it. */
  times: number
}

/** The trouble that a request meets; each use is counted. */
export function nextTrouble(planned: readonly PlannedTrouble[], line: string): Trouble | null {
  const found = planned.find(({ on, times }) => times > 0 && on.test(line))
  if (found === undefined) return null
  found.times--
  return found.trouble
}

/** Answers in the forge's place. False where the forge is to answer itself. */
export function answerInstead(trouble: Trouble, response: ServerResponse): boolean {
  if (trouble.kind === 'status') {
    response.writeHead(trouble.status, { 'content-type': 'application/json;charset=utf-8', ...trouble.headers })
    response.end(JSON.stringify({ message: trouble.message ?? 'trouble', url: '' }))
    return true
  }
  if (trouble.kind === 'html') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end('<!DOCTYPE html><html><body><form>Please sign in</form></body></html>')
    return true
  }
  if (trouble.kind === 'redirect') {
    response.writeHead(trouble.status ?? 302, { location: trouble.location })
    response.end()
    return true
  }
  return false
}
