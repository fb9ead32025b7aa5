/** Writes the comments of this process's sprints, one writer at a time: sprints run beside each other, and each comment is written once. */
import type { ReposFacet } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import type { Failure } from '../core/sprint.ts'
import { syncComments, type RefusedClaim } from '../claim/comments.ts'
import { releaseLostClaims } from '../claim/first-claim.ts'
import { refusedBy } from './failure.ts'
import { sentence } from '../decide/wording.ts'

export class CommentWriter {
  readonly #session: Session
  /** Claimed by this process, and never said yet: no comment of theirs can exist. */
  #fresh = new Set<string>()
  #speaking: Promise<void> = Promise.resolve()
  /** Claims of this process that the forge does not let it say. */
  readonly #refused = new Map<string, RefusedClaim>()

  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Says a claim that was just won, and gives it back where another fleet's comment came first. Returns null if it is said; otherwise nothing may be
   * begun, and the failure says why.
   */
  async announceClaim(id: string, issue: string, state: Pick<ReposFacet, 'writers'>): Promise<Failure | null> {
    this.#fresh.add(id)
    await this.writePending()
    // Once more, and now looked for first: a write whose answer was lost may have happened.
    if (!this.#refused.has(id) && !(await this.#isSaid(id, issue))) await this.writePending()
    const refused = this.#refused.get(id)
    this.#refused.delete(id)
    if (refused !== undefined) return { class: refusedBy[refused.scope], reason: sentence(refused.reason) }
    const unknown = { class: 'forge_down', reason: 'its comment could not be written, or not be read again' } as const
    if (!(await this.#isSaid(id, issue))) return unknown
    return (await releaseLostClaims(state, this.#session)).has(id) ? unknown : null
  }

  /** Brings every comment that is due up to date. What fails is said, and stays due. */
  writePending(): Promise<void> {
    const next = this.#speaking.then(async () => {
      const fresh = this.#fresh
      this.#fresh = new Set()
      for (const refused of await syncComments(fresh, this.#session)) this.#refused.set(refused.id, refused)
    })
    this.#speaking = next.catch(() => {
      // Its caller handles the failure, which must not silence those after it.
    })
    return next
  }

  /** Also where the claim is gone meanwhile: there is nothing left to say then. */
  async #isSaid(id: string, issue: string): Promise<boolean> {
    const own = (await this.#session.ledger.dispatches({ issue })).find((dispatch) => dispatch.id === id)
    return own === undefined || own.state !== 'claimed' || own.comment_id !== null
  }
}
