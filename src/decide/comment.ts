/** What the fleet's one comment on an issue says. It begins with the marker by which it is found again. */
import type { Issue, Time, Worker } from '../core/nouns.ts'
import type { Dispatch, DispatchState } from '../core/lifecycle.ts'
import { escapeLineForForge } from '../core/forge-text.ts'
import { isKept } from '../core/lifecycle.ts'
import { sprintWorkers } from '../core/sprint.ts'

/** What the comment of another ledger's claim says once a person released it here. */
export function adoptedComment(fleet: string, dispatch: string): string {
  const marker = `<!-- burn:1 fleet=${fleet} dispatch=${dispatch} state=released -->`
  const says = 'Released: a person said that the ledger which wrote this claim is lost, or is used no longer.'
  return `${marker}\n${says}\n\ndispatch \`${dispatch}\` · branch \`burn/${dispatch}\`\n`
}

export interface CommentFacts {
  readonly fleet: string
  readonly issue: Pick<Issue, 'ref'>
  readonly dispatch: Dispatch
  readonly worker: Worker | null
  /** Why it is in this state, one line. */
  readonly reason: string
  readonly now: Time
}

/** Characters of a reason, which may hold a model's words. */
const longestReason = 1000

/** The comment of a work dispatch in its present state. */
export function workComment({ fleet, dispatch, worker, reason }: CommentFacts): string {
  const why = escapeLineForForge(reason, longestReason)
  const marker = `<!-- burn:1 fleet=${fleet} dispatch=${dispatch.id} state=${dispatch.state} -->`
  const [kind, host] = dispatch.worker.split('/')
  const where =
    worker === null
      ? kind === sprintWorkers
        ? `a sprint on **${host}**`
        : dispatch.worker
      : `${worker.glyph} **${worker.name}** · machine ${worker.machine} · window ${worker.window} · lane ${worker.lane}`
  const again = dispatch.attempt > 1 ? ` · attempt ${dispatch.attempt}` : ''
  const details = `dispatch \`${dispatch.id}\` · branch \`burn/${dispatch.id}\`${again}`
  const says: Record<DispatchState, string> = {
    claimed: `Claimed by the fleet **${fleet}**.`,
    handed: `Handed to ${where}.`,
    review: isKept(dispatch)
      ? `A change waits for a person: ${why}. Worked on by ${where}.`
      : `A change is open for review: ${dispatch.change_url}. Worked on by ${where}.`,
    done: `Done. Worked on by ${where}.`,
    failed: `Given up by ${where}: ${why}.`,
    lost: `Lost: ${why}. It may be given to another worker.`,
    released: `Released: ${why}.`,
  }
  return `${marker}\n${says[dispatch.state]}\n\n${details}\n`
}

/** The one comment of a council question: everyone who was asked. */
export function councilComment(fleet: string, dispatches: readonly Dispatch[], workers: ReadonlyMap<string, Worker>): string {
  const [first] = dispatches
  if (first === undefined) throw new RangeError('a council comment needs at least one dispatch')
  const asked = dispatches.map(({ worker: id, state }) => {
    const worker = workers.get(id)
    return `- ${worker === undefined ? id : `${worker.glyph} **${worker.name}** (${id})`}${state === 'claimed' ? '' : `: ${state === 'handed' ? 'asked' : state}`}`
  })
  const state = dispatches.every((d) => d.state === 'claimed')
    ? 'claimed'
    : (dispatches.find((d) => d.state === 'handed')?.state ?? first.state)
  return `<!-- burn:1 fleet=${fleet} dispatch=${first.id} state=${state} -->\nThe fleet **${fleet}** asked its council for perspective, not for work:\n\n${asked.join('\n')}\n`
}
