/** The failures between a program and a forge that tests can ask for. */
import type { ServerResponse } from 'node:http'

/** One way to fail. */
export type Trouble =
  /** The server answers with this status, and does nothing. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly message?: string }
  /** The server answers with a login page. */
  | { readonly kind: 'html' }
  /** The right answer, after a delay. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** JSON that ends too early; with `hang_up` the connection breaks. */
  | { readonly kind: 'cut'; readonly hang_up?: boolean }
  /** The server does its work, but sends no answer. */
  | { readonly kind: 'lost_answer' }
  /** The server does its work, but answers that it failed. */
  | { readonly kind: 'failed_answer'; readonly status: number }
  /** The right answer, changed by `change`. */
  | { readonly kind: 'changed'; readonly change: (json: unknown) => unknown }
  | { readonly kind: 'redirect'; readonly location: string; readonly status?: number }
  /** An answer without its paging headers. */
  | { readonly kind: 'uncounted'; readonly link?: boolean }
  /** A whole file, even if the request asks for a part of it. */
  | { readonly kind: 'no_ranges' }
  /** The first page, whatever page the request asks for, and without paging headers. */
  | { readonly kind: 'unpaged' }

/** A failure, and the requests that meet it. */
export interface PlannedTrouble {
  readonly trouble: Trouble
  /** The requests, matched against `METHOD /path?query`. */
  readonly on: RegExp
  /** The number of requests left. */
  times: number
}

/** Returns the failure for a request, and counts its use; null if there is none. */
export function nextTrouble(planned: readonly PlannedTrouble[], line: string): Trouble | null {
  const found = planned.find(({ on, times }) => times > 0 && on.test(line))
  if (found === undefined) return null
  found.times--
  return found.trouble
}

/** Answers in place of the forge. Returns false if the forge must answer itself. */

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
