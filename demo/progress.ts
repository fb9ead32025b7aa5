/** Tracks the progress of the demo from the output of its commands. */
import type { FeedbackLine } from './feedback.ts'
import { backlog } from './backlog.ts'
import { noFeedback } from './feedback.ts'

/** One line of `burn dispatch --json`. */
export interface CycleLine {
  readonly cycle: number
  readonly ms: number
  readonly claimed: readonly { readonly id: string; readonly kind: string; readonly issue: string; readonly worker: string }[]
  readonly settled: readonly {
    readonly id: string
    readonly issue: string
    readonly worker: string
    readonly state: string
    readonly reason: string
  }[]
  readonly deliveries: readonly { readonly id: string; readonly worker: string; readonly state: string }[]
}

/** One line of `burn status --json`. */
export interface StatusLine {
  readonly machines: readonly {
    readonly windows: readonly {
      readonly name: string
      readonly lane: string
      readonly workers: readonly { readonly id: string; readonly state: string }[]
    }[]
  }[]
}

/** A dispatch of the demo, with its newest known state. */
export interface Given {
  readonly id: string
  readonly kind: string
  readonly issue: string
  readonly worker: string
  /** The state of the dispatch; `handed` when its prompt was seen. */
  readonly state: string
}

/** The progress of the demo. */
export interface Progress {
  readonly commands: readonly string[]
  readonly cycles: number
  /** Dispatches by id, in the order in which they were claimed. */
  readonly given: ReadonlyMap<string, Given>
  /** The state of each worker. */
  readonly workers: ReadonlyMap<string, string>
  readonly feedback: readonly FeedbackLine[]
}

/** The progress at the start. */
export const noProgress: Progress = { commands: [], cycles: 0, given: new Map(), workers: new Map(), feedback: noFeedback }

/** Returns the progress after a line of `burn dispatch`. */
export function afterCycle(progress: Progress, { cycle, claimed, settled, deliveries }: CycleLine): Progress {
  const given = new Map(progress.given)
  for (const { id, kind, issue, worker } of claimed) given.set(id, { id, kind, issue, worker, state: 'claimed' })
  const mark = (id: string, state: string) => {
    const known = given.get(id)
    if (known !== undefined) given.set(id, { ...known, state })
  }
  for (const { id, state } of deliveries) if (state === 'seen' && given.get(id)?.state === 'claimed') mark(id, 'handed')
  for (const { id, state } of settled) mark(id, state)
  return { ...progress, cycles: cycle, given }
}

/** Returns the progress after a line of `burn status`. */
export function afterStatus(progress: Progress, { machines }: StatusLine): Progress {
  const all = machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, state }) => [id, state] as const)))
  return { ...progress, workers: new Map(all) }
}

/** Number of issues for workers. */
export const tasks = backlog.filter(({ expected }) => expected.kind === 'work').length
const questions = backlog.filter(({ expected }) => expected.kind === 'council').length

/** Returns the numbers of handed issues, open changes and questions to the council. */
export function counts({ given }: Progress): { readonly handed: number; readonly review: number; readonly asked: number } {
  const all = [...given.values()]
  const count = (kind: string, states: readonly string[]) => all.filter((each) => each.kind === kind && states.includes(each.state)).length
  return {
    handed: count('work', ['handed', 'review', 'done']),
    review: count('work', ['review', 'done']),
    asked: count('council', ['handed', 'review', 'done']),
  }
}

/** Whether all issues have their change, all feedback is answered, and the council got its questions. */
export function isOver(progress: Progress): boolean {
  const { review, asked } = counts(progress)
  return review >= tasks && asked >= questions && progress.feedback.every(({ state }) => state === 'fixed')
}
