/** The fleet's one comment on an issue: what it says, and the hidden marker by which it is found again. */
import type { Comment, Issue, Time, Worker } from '../core/nouns.ts'
import type { Dispatch, DispatchState } from '../core/lives.ts'
import { harmlessLine } from '../core/harmless.ts'
import { idPattern } from '../core/ids.ts'
import { isKept, liveStates } from '../core/lives.ts'
import { sprintWorkers } from '../core/sprint.ts'

export interface Marker {
  readonly fleet: string
  /** The dispatch's id; for a council, the id of the first of its dispatches. */
  readonly dispatch: string
  readonly state: DispatchState
}

const markerPattern = /^<!-- burn:1 fleet=([A-Za-z0-9._-]{1,64}) dispatch=([0-9a-z]{13}) state=([a-z]+) -->/

/** The marker that a comment begins with; null where there is none. A marker quoted further down does not count. */
export function markerOf(body: string): Marker | null {
  const [, fleet, dispatch, state] = markerPattern.exec(body) ?? []
  if (fleet === undefined || dispatch === undefined || !idPattern.test(dispatch)) return null
  const known = (['claimed', 'handed', 'review', 'done', 'failed', 'lost', 'released'] as const).find((name) => name === state)
  return known === undefined ? null : { fleet, dispatch, state: known }
}

/** The fleet's own comment for a dispatch among others, whatever state it says. The lowest id, should there be several. */
export function ownComment(comments: readonly Comment[], fleet: string, dispatch: string, login: string | null): Comment | null {
  const own = comments.filter(({ author, body }) => {
    const marker = markerOf(body)
    return marker?.fleet === fleet && marker.dispatch === dispatch && (login === null || author === login)
  })
  return own[0] ?? null
}

/** Another fleet's claim that still lives. Only markers of people who may write count. */
export function foreignClaim(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): Marker | null {
  for (const { author, body } of comments) {
    const marker = markerOf(body)
    if (marker !== null && marker.fleet !== fleet && liveStates.includes(marker.state) && writers.has(author)) return marker
  }
  return null
}

/** A claim of this fleet itself that lives, as its comment says. */
export interface OwnClaim {
  readonly comment_id: string
  readonly dispatch: string
  /** The worker that the comment names, as `machine/WINDOW/NAME`; null if it names none. */
  readonly worker: string | null
}

const handedTo = /\*\*([^*\n]{1,100})\*\* · machine (\S{1,100}) · window (\S{1,100}) · lane /

/** The live claims of this fleet on an issue, by people who may write: this ledger's, and those of any other ledger of the same fleet. */
export function ownClaims(comments: readonly Comment[], fleet: string, writers: ReadonlySet<string>): OwnClaim[] {
  return comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || marker.fleet !== fleet || !liveStates.includes(marker.state) || !writers.has(author)) return []
    const [, name, machine, window] = handedTo.exec(body) ?? []
    return [{ comment_id: id, dispatch: marker.dispatch, worker: name === undefined ? null : `${machine}/${window}/${name}` }]
  })
}

/** What the comment of another ledger's claim says once a person released it here. */
export function adoptedComment(fleet: string, dispatch: string): string {
  const marker = `<!-- burn:1 fleet=${fleet} dispatch=${dispatch} state=released -->`
  const says = 'Released: a person said that the ledger which wrote this claim is lost, or is used no longer.'
  return `${marker}\n${says}\n\ndispatch \`${dispatch}\` · branch \`burn/${dispatch}\`\n`
}

/**
 * Of all claims that live, that of the lowest comment: ours by its dispatch, and those of people who may write by other fleets or another ledger of ours.
 * `known`: the dispatches of the issue in this ledger.
 */
export function firstClaim(
  comments: readonly Comment[],
  { fleet, dispatch, known }: { readonly fleet: string; readonly dispatch: string; readonly known: ReadonlySet<string> },
  writers: ReadonlySet<string>,
): Marker | null {
  const claims = comments.flatMap(({ id, author, body }) => {
    const marker = markerOf(body)
    if (marker === null || !liveStates.includes(marker.state)) return []
    const ours = marker.fleet === fleet && (marker.dispatch === dispatch || known.has(marker.dispatch))
    const counts = ours ? marker.dispatch === dispatch : writers.has(author)
    return counts ? [{ id: Number(id), marker }] : []
  })
  return claims.toSorted((a, b) => a.id - b.id)[0]?.marker ?? null
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
  const why = harmlessLine(reason, longestReason)
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
