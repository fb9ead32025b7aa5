/** The comment of a dispatch on its issue. It begins with a marker, so that burn can find the comment again. */
import type { Delegation } from '../core/delegation.ts'
import type { Issue, Time, Worker } from '../core/nouns.ts'
import type { Dispatch, DispatchState } from '../core/lifecycle.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { escapeLineForForge } from '../core/forge-text.ts'
import { isKept } from '../core/lifecycle.ts'
import { sprintWorkers } from '../core/sprint.ts'

/** Returns the comment that replaces the claim of another ledger after a person released that claim. */
export function adoptedComment({ fleet, branch_prefix, dispatch }: { fleet: string; branch_prefix: string; dispatch: string }): string {
  const marker = `<!-- burn:1 fleet=${fleet} dispatch=${dispatch} state=released -->`
  const says = 'Released by a person: the ledger of this claim is lost or no longer used.'
  return `${marker}\n${says}\n\ndispatch \`${dispatch}\` · branch \`${branch_prefix}${dispatch}\`\n`
}

const overBudgetMarker = (fleet: string) => `<!-- burn:1 fleet=${fleet} note=over-budget -->`

/** Returns the comment about an issue over its budget. Its marker names no state, so no fleet takes the comment for a claim. */
export function overBudgetComment(fleet: string, dispatch: string, reason: string): string {
  const says = `Over budget: ${escapeLineForForge(reason, longestReason)}. The running work continues. burn gives the issue to no other worker while it has the label \`${overBudgetLabel}\`.`
  return `${overBudgetMarker(fleet)}\n${says}\n\ndispatch \`${dispatch}\`\n`
}

/** Returns true for a comment of `overBudgetComment` by this fleet. */
export function isOverBudgetComment(body: string, fleet: string): boolean {
  return body.startsWith(overBudgetMarker(fleet))
}

const delegationMarker = (fleet: string, login: string) => `<!-- burn:1 fleet=${fleet} note=delegated login=${login} -->`

/** Returns the comment about an assignment by delegation. `state`: whether the assignment holds, or burn removed it at the deadline. */
export function delegationComment(
  fleet: string,
  { login, deadline, reason }: Pick<Delegation, 'login' | 'deadline'> & { readonly reason: string },
  state: 'assigned' | 'expired',
): string {
  const why = escapeLineForForge(reason, longestReason)
  const end = new Date(deadline).toISOString().slice(0, 16)
  const says =
    state === 'assigned'
      ? `The fleet **${fleet}** assigned this issue to **${login}**: ${why}. If nobody starts before ${end}Z, burn removes the assignment.`
      : `The fleet **${fleet}** removed the assignment to **${login}**: ${why}.`
  return `${delegationMarker(fleet, login)}\n${says}\n`
}

/** Returns true for a comment of `delegationComment` by this fleet about this login. */
export function isDelegationComment(body: string, fleet: string, login: string): boolean {
  return body.startsWith(delegationMarker(fleet, login))
}

/** The facts that a comment reports. */
export interface CommentFacts {
  readonly fleet: string
  readonly branch_prefix: string
  readonly issue: Pick<Issue, 'ref'>
  readonly dispatch: Dispatch
  readonly worker: Worker | null
  /** The reason for the state, as one line. */
  readonly reason: string
  readonly now: Time
}

/** Maximum length of a reason in a comment (characters). A reason can quote a model's answer, which may be long. */
const longestReason = 1000

/** Returns the comment of a work dispatch in its current state. */
export function workComment({ fleet, branch_prefix, dispatch, worker, reason }: CommentFacts): string {
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
  const details = `dispatch \`${dispatch.id}\` · branch \`${branch_prefix}${dispatch.id}\`${again}`
  const says: Record<DispatchState, string> = {
    claimed: `Claimed by the fleet **${fleet}**.`,
    handed: `Handed to ${where}.`,
    review: isKept(dispatch)
      ? `A change waits for a person: ${why}. Worked on by ${where}.`
      : `A change is open for review: ${dispatch.change_url}. Worked on by ${where}.`,
    done: `Done. Worked on by ${where}.`,
    failed: `Given up by ${where}: ${why}.`,
    lost: `Lost: ${why}. The issue may go to another worker.`,
    released: `Released: ${why}.`,
  }
  return `${marker}\n${says[dispatch.state]}\n\n${details}\n`
}

/** Returns the comment of a council question. It lists the workers that burn asks. Throws RangeError if there is no dispatch. */
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
  return `<!-- burn:1 fleet=${fleet} dispatch=${first.id} state=${state} -->\nThe fleet **${fleet}** asked its council for opinions, not for work:\n\n${asked.join('\n')}\n`
}
