/** Writes the comments of this process's sprints, one sync at a time, so that parallel sprints write each comment once. */
import type { ReposFacet } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import type { Failure } from '../core/sprint.ts'
import { syncComments, type RefusedClaim } from '../claim/comments.ts'
import { releaseLostClaims } from '../claim/first-claim.ts'
import { refusedBy } from './failure.ts'
import { sentence } from '../decide/wording.ts'

/** Queues the comment syncs of one process. */
export class CommentWriter {
  readonly #session: Session
  /** Claims of this process before their first sync: they can't have a comment yet. */
  #fresh = new Set<string>()
  #queue: Promise<void> = Promise.resolve()
  /** Claims of this process whose comments the forge refuses. */
  readonly #refused = new Map<string, RefusedClaim>()

  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Writes the comment of a new claim, and releases the claim if another fleet's comment came first. Returns null if the comment is
   * written. Otherwise the sprint must not begin, and the failure has the reason.
   */
  async announceClaim(id: string, issue: string, state: Pick<ReposFacet, 'writers'>): Promise<Failure | null> {
    this.#fresh.add(id)
    await this.writePending()
    // The retry looks for the comment first: the write may have succeeded although its response was lost.
    if (!this.#refused.has(id) && !(await this.#hasComment(id, issue))) await this.writePending()
    const refused = this.#refused.get(id)
    this.#refused.delete(id)
    if (refused !== undefined) return { class: refusedBy[refused.scope], reason: sentence(refused.reason) }
    const unconfirmed = { class: 'forge_down', reason: 'burn could not write its comment, or could not confirm it' } as const
    if (!(await this.#hasComment(id, issue))) return unconfirmed
    return (await releaseLostClaims(state, this.#session)).has(id) ? unconfirmed : null
  }

  /** Writes every comment that is due. A comment that fails stays due. */
  writePending(): Promise<void> {
    const next = this.#queue.then(async () => {
      const fresh = this.#fresh
      this.#fresh = new Set()
      for (const refused of await syncComments(fresh, this.#session)) this.#refused.set(refused.id, refused)
    })
    this.#queue = next.catch(() => {
      // The caller handles this error. Later calls must run all the same.
    })
    return next
  }

  /** Returns true also if the claim is gone, because then it needs no comment. */
  async #hasComment(id: string, issue: string): Promise<boolean> {
    const dispatch = (await this.#session.ledger.dispatches({ issue })).find((dispatch) => dispatch.id === id)
    return dispatch === undefined || dispatch.state !== 'claimed' || dispatch.comment_id !== null
  }
}
