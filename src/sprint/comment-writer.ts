/**
 * Writes the comments of this process's sprints to the forge. Runs one sync at a time, so that parallel sprints do not write a comment
 * twice.
 */
import type { ReposFacet } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import type { Failure } from '../core/sprint.ts'
import { syncComments, type RefusedClaim } from '../claim/comments.ts'
import { releaseLostClaims } from '../claim/first-claim.ts'
import { refusedBy } from './failure.ts'
import { sentence } from '../decide/wording.ts'

/** Queues the comment syncs of one process, so that they run one after another. */
export class CommentWriter {
  readonly #session: Session
  /** The ids of claims that no sync has included yet, so their comments cannot exist yet. */
  #fresh = new Set<string>()
  #queue: Promise<void> = Promise.resolve()
  /** Claims of this process whose comments the forge refuses to accept. */
  readonly #refused = new Map<string, RefusedClaim>()

  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Writes the comment of a new claim. Releases the claim if another fleet's comment came first. Returns null if the comment is written.
   * Otherwise returns the failure, and the sprint must not begin.
   */
  async announceClaim(id: string, issue: string, state: Pick<ReposFacet, 'writers'>): Promise<Failure | null> {
    this.#fresh.add(id)
    await this.writePending()
    // A retry searches for the comment first, because the first write may have succeeded even if its response was lost.
    if (!this.#refused.has(id) && !(await this.#hasComment(id, issue))) await this.writePending()
    const refused = this.#refused.get(id)
    this.#refused.delete(id)
    if (refused !== undefined) return { class: refusedBy[refused.scope], reason: sentence(refused.reason) }
    const unconfirmed = {
      class: 'forge_down',
      reason: 'burn could not write the comment of the claim, or could not confirm that the forge has it',
    } as const
    if (!(await this.#hasComment(id, issue))) return unconfirmed
    return (await releaseLostClaims(state, this.#session)).has(id) ? unconfirmed : null
  }

  /** Writes all comments that are due. If writing a comment fails, the comment stays due. */
  writePending(): Promise<void> {
    const next = this.#queue.then(async () => {
      const fresh = this.#fresh
      this.#fresh = new Set()
      for (const refused of await syncComments(fresh, this.#session)) this.#refused.set(refused.id, refused)
    })
    this.#queue = next.catch(() => {
      // The caller handles this error. The error must not prevent later syncs.
    })
    return next
  }

  /** Returns true if burn need not write the comment of the claim: the comment exists, or the claim no longer exists. */
  async #hasComment(id: string, issue: string): Promise<boolean> {
    const dispatch = (await this.#session.ledger.dispatches({ issue })).find((dispatch) => dispatch.id === id)
    return dispatch === undefined || dispatch.state !== 'claimed' || dispatch.comment_id !== null
  }
}
