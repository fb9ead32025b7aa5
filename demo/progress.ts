/** What is known of the demo while it runs, from what the commands print. */
import { backlog } from './backlog.ts'

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

export interface Given {
  readonly id: string
  readonly kind: string
  readonly issue: string
  readonly worker: string
  /** Of its dispatch; `handed` once its prompt was seen. */
  readonly state: string
}

export interface Progress {
  readonly commands: readonly string[]
  readonly cycles: number
  /** By dispatch id, in the order in which they were given. */
  readonly given: ReadonlyMap<string, Given>
  /** State by worker. */
  readonly workers: ReadonlyMap<string, string>
}

export const nothingYet: Progress = { commands: [], cycles: 0, given: new Map(), workers: new Map() }

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

export function afterStatus(progress: Progress, { machines }: StatusLine): Progress {
  const all = machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, state }) => [id, state] as const)))
  return { ...progress, workers: new Map(all) }
}

export const tasks = backlog.filter(({ fate }) => fate.kind === 'work').length
const questions = backlog.filter(({ fate }) => fate.kind === 'council').length

export function counts({ given }: Progress): { readonly handed: number; readonly review: number; readonly asked: number } {
  const all = [...given.values()]
  const count = (kind: string, states: readonly string[]) => all.filter((each) => each.kind === kind && states.includes(each.state)).length
  return {
    handed: count('work', ['handed', 'review', 'done']),
    review: count('work', ['review', 'done']),
    asked: count('council', ['handed', 'review', 'done']),
  }
}

/** Everything that should become of the backlog has. */
export function isOver(progress: Progress): boolean {
  const { review, asked } = counts(progress)
  return review >= tasks && asked >= questions
}
