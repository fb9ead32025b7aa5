/** Writes the comments of this process's sprints, one writer at a time: sprints run beside each other, and each comment is written once. */
import type { Session } from '../run/session.ts'
import { syncComments } from '../run/comments.ts'

export class Speaker {
  readonly #session: Session
  /** Claimed by this process, and never said yet: no comment of theirs can exist. */
  #fresh = new Set<string>()
  #speaking: Promise<void> = Promise.resolve()

  constructor(session: Session) {
    this.#session = session
  }

  claimed(id: string): void {
    this.#fresh.add(id)
  }

  /** Brings every comment that is due up to date. What fails is said, and stays due. */
  say(): Promise<void> {
    const next = this.#speaking.then(async () => {
      const fresh = this.#fresh
      this.#fresh = new Set()
      await syncComments(fresh, this.#session)
    })
    // One that fails is its caller's to hear of, and must not silence those after it.
    this.#speaking = next.catch(() => undefined as void)
    return next
  }
}
