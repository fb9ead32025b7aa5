/** What is compared with what should be on one machine, and the difference as actions. Pure. */
import type { Machine, WorkerId, Worker, Window } from '../core/nouns.ts'
import type { MachineSnapshot, Pane, PaneWindow } from '../core/panes.ts'

/** The smallest pane an agent gets, columns × rows. */
export const smallestPane = { width: 100, height: 24 }

export type TopologyAction =
  | {
      readonly do: 'create_window'
      readonly window: string
      readonly width: number
      readonly height: number
      readonly workers: readonly Worker[]
      readonly reason: string
    }
  | {
      readonly do: 'add_panes'
      readonly window_id: string
      readonly window: string
      readonly width: number
      readonly height: number
      readonly workers: readonly Worker[]
      readonly reason: string
    }
  | { readonly do: 'adopt_pane'; readonly pane: string; readonly worker: Worker; readonly reason: string }
  | { readonly do: 'relabel_pane'; readonly pane: string; readonly worker: Worker; readonly reason: string }
  | { readonly do: 'retire_pane'; readonly pane: string; readonly worker: WorkerId; readonly reason: string }
  | { readonly do: 'end_pane'; readonly pane: string; readonly worker: WorkerId; readonly reason: string }

export interface UpOptions {
  /** End what is retiring and holds nothing. */
  readonly prune: boolean
  /** How many live dispatches a worker has. */
  readonly live: (worker: WorkerId) => number
  /** Workers whose agent runs although no pane of theirs is found: they get no second one. */
  readonly strays: ReadonlySet<WorkerId>
  /** Panes whose shell has no child: nobody uses them. */
  readonly childless: ReadonlySet<string>
}

/** Columns and rows of tmux's tiled layout for `panes`, as layout-set.c lays them out. */
export function tiles(panes: number): { columns: number; rows: number } {
  let rows = 1
  let columns = 1
  while (rows * columns < panes) {
    rows += 1
    if (rows * columns < panes) columns += 1
  }
  return { columns, rows }
}

/** The window that gives each of `panes` tiled panes the smallest size, with borders and a line for each pane's name. */
export function windowSize(panes: number): { width: number; height: number } {
  const { columns, rows } = tiles(panes)
  // A row loses a line to the names of its panes, and another to the border that the layout puts between rows.
  return { width: columns * (smallestPane.width + 1) - 1, height: rows * (smallestPane.height + 2) - 1 }
}

export function labelOf({ glyph, name, lane }: Worker): string {
  return `${glyph} ${name} · ${lane}`
}

/** Creates what is missing, adopts what was marked or is unused, retires what the spec no longer has. Never ends what it did not make. */
export function planUp(machine: Machine, sight: Exclude<MachineSnapshot, { state: 'unreachable' }>, options: UpOptions): TopologyAction[] {
  if (sight.state === 'down') return machine.windows.map((window) => createWindow(window, 'there is no session yet'))
  const marked = new Map(sight.panes.flatMap((pane) => (pane.worker === null ? [] : [[pane.worker, pane] as const])))
  // A pane may have been moved into a window of a person's: only marked windows count in other sessions than the fleet's.
  const windows = sight.windows.filter(
    (each) => each.window !== null || (each.session_id === sight.session_id && sight.session === machine.session),
  )
  const actions = machine.windows.flatMap((window) => planWindow(window, { ...sight, windows }, marked, options))
  const wanted = new Set(machine.windows.flatMap(({ workers }) => workers.map(({ id }) => id)))
  return [...actions, ...sight.panes.flatMap((pane) => retire(pane, wanted, options))]
}

function createWindow(window: Window, reason: string): TopologyAction {
  return { do: 'create_window', window: window.name, ...windowSize(window.workers.length), workers: window.workers, reason }
}

type Up = Extract<MachineSnapshot, { state: 'up' }>

function planWindow(window: Window, sight: Up, marked: ReadonlyMap<WorkerId, Pane>, options: UpOptions): TopologyAction[] {
  const missing = window.workers.filter(({ id }) => !marked.has(id) && !options.strays.has(id))
  const changed = window.workers.flatMap((worker): TopologyAction[] => {
    const pane = marked.get(worker.id)
    if (pane === undefined || (pane.label === labelOf(worker) && pane.made_for !== null && !pane.retiring)) return []
    return [{ do: 'relabel_pane', pane: pane.id, worker, reason: whyRelabel(pane) }]
  })
  if (missing.length === 0) return changed
  const home = homeOf(window, sight, marked)
  if (home === null) return [...changed, createWindow({ ...window, workers: missing }, `there is no window ${window.name}`)]
  const free = sight.panes.filter(
    (pane) => pane.window_id === home.id && pane.worker === null && !pane.dead && options.childless.has(pane.id),
  )
  const adopted = missing.slice(0, free.length).map((worker, index): TopologyAction => {
    return { do: 'adopt_pane', pane: free[index]!.id, worker, reason: 'an unused shell is in its window' }
  })
  const added = missing.slice(free.length)
  const panes = sight.panes.filter((pane) => pane.window_id === home.id).length + added.length
  const need = windowSize(panes)
  const size = { width: Math.max(need.width, home.width), height: Math.max(need.height, home.height) }
  const add: TopologyAction[] =
    added.length === 0
      ? []
      : [
          {
            do: 'add_panes',
            window_id: home.id,
            window: window.name,
            ...size,
            workers: added,
            reason: `${added.length} of its ${window.workers.length} workers have no pane`,
          },
        ]
  return [...changed, ...adopted, ...add]
}

function whyRelabel({ retiring, made_for }: Pane): string {
  if (retiring) return 'it is in the spec again'
  return made_for === null ? 'it gets the mark by which it is found in every session' : 'its label changed'
}

/** The tmux window of a window of the spec: the one marked as such, else the one in which its workers are. */
function homeOf(window: Window, sight: Up, marked: ReadonlyMap<WorkerId, Pane>): PaneWindow | null {
  const byMark = sight.windows.find((each) => each.window === window.name)
  if (byMark !== undefined) return byMark
  const id = window.workers.map((worker) => marked.get(worker.id)?.window_id).find((each) => each !== undefined)
  return (
    sight.windows.find((each) => each.id === id) ?? sight.windows.find((each) => each.name === window.name && each.window === null) ?? null
  )
}

function retire(pane: Pane, wanted: ReadonlySet<WorkerId>, { prune, live }: UpOptions): TopologyAction[] {
  if (pane.worker === null || wanted.has(pane.worker)) return []
  const held = live(pane.worker)
  if (prune && held === 0 && pane.made)
    return [{ do: 'end_pane', pane: pane.id, worker: pane.worker, reason: 'the spec no longer has it, and it holds nothing' }]
  if (pane.retiring) return []
  const reason =
    held > 0 ? `the spec no longer has it; it holds ${held} live dispatches` : 'the spec no longer has it (burn up --prune ends it)'
  return [{ do: 'retire_pane', pane: pane.id, worker: pane.worker, reason }]
}

/** What `burn down` ends: the panes it made. Others' panes are left, and lose their marks. */
export function planDown(sight: Up): { readonly end: readonly Pane[]; readonly leave: readonly Pane[] } {
  const ours = sight.panes.filter((pane) => pane.worker !== null)
  return { end: ours.filter(({ made }) => made), leave: ours.filter(({ made }) => !made) }
}
