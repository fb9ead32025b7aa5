/** Compares a machine's panes with the spec, and returns the difference as actions. Pure. */
import type { Machine, WorkerId, Worker, Window } from '../core/nouns.ts'
import type { MachineSnapshot, Pane, PaneWindow } from '../core/panes.ts'
import { counted } from '../core/text.ts'

/** The smallest pane for an agent, in columns and rows. */
export const smallestPane = { width: 100, height: 24 }

/** A change to the panes of a machine, with its reason. */
export type TopologyAction =
  | {
      readonly do: 'create_window'
      /** True if the window exists already, with one pane: burn was killed before it had marked the window as its own. */
      readonly begun: boolean
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

/** The inputs of `planUp` other than the spec and the snapshot. */
export interface UpOptions {
  /** If true, end the panes of workers that the spec no longer has and for which nothing is under way. */
  readonly prune: boolean
  /** Returns the work that is under way for a worker, as a phrase; null if there is none. */
  readonly work: (worker: WorkerId) => string | null
  /** Workers that a person retires. burn creates no pane for them. */
  readonly retired: ReadonlySet<WorkerId>
  /** Workers whose agent runs, but whose pane burn does not find. burn creates no second pane for them. */
  readonly strays: ReadonlySet<WorkerId>
  /** Ids of the panes whose shell has no child process, so that nobody uses them. */
  readonly childless: ReadonlySet<string>
}

/** Returns the number of columns and rows of panes in tmux's tiled layout. Source: layout-set.c of tmux. */
export function tiles(panes: number): { columns: number; rows: number } {
  let rows = 1
  let columns = 1
  while (rows * columns < panes) {
    rows += 1
    if (rows * columns < panes) columns += 1
  }
  return { columns, rows }
}

/**
 * Returns the window size, in columns and rows of characters, at which each tiled pane has `smallestPane`. The size includes the borders
 * and a line per pane for its name.
 */
export function windowSize(panes: number): { width: number; height: number } {
  const { columns, rows } = tiles(panes)
  // Each row of panes needs one line for their names, and one for the border between rows.
  return { width: columns * (smallestPane.width + 1) - 1, height: rows * (smallestPane.height + 2) - 1 }
}

/** Returns the label of a worker's pane. */
export function labelOf({ glyph, name, lane }: Worker): string {
  return `${glyph} ${name} · ${lane}`
}

/**
 * Returns the actions of `burn up`: it creates missing windows and panes, uses idle shells for missing workers, and retires workers that
 * the spec no longer has. It ends only panes that burn made.
 */
export function planUp(
  machine: Machine,
  snapshot: Exclude<MachineSnapshot, { state: 'unreachable' }>,
  options: UpOptions,
): TopologyAction[] {
  if (snapshot.state === 'down') {
    const windows = machine.windows.map((each) => ({ ...each, workers: each.workers.filter(({ id }) => !options.retired.has(id)) }))
    return windows.filter(({ workers }) => workers.length > 0).map((each) => createWindow(each, false, 'the session does not exist yet'))
  }
  const marked = new Map(snapshot.panes.flatMap((pane) => (pane.worker === null ? [] : [[pane.worker, pane] as const])))
  // A person may have moved a pane to another session. In other sessions, burn considers only windows with the option `@burn_window`.
  const windows = snapshot.windows.filter(
    (each) => each.window !== null || (each.session_id === snapshot.session_id && snapshot.session === machine.session),
  )
  const actions = machine.windows.flatMap((window) => planWindow(window, { ...snapshot, windows }, marked, options))
  const wanted = new Set(machine.windows.flatMap(({ workers }) => workers.map(({ id }) => id)))
  return [...actions, ...snapshot.panes.flatMap((pane) => retire(pane, wanted, options))]
}

/**
 * Returns the temporary name of a new window. The window keeps this name until its panes have burn's options. No other window has this
 * name, so burn can use it as the target of further lines before it knows the window's id.
 */
export function temporaryName(window: string): string {
  return `burn-new-${window}`
}

function createWindow(window: Window, begun: boolean, reason: string): TopologyAction {
  return { do: 'create_window', begun, window: window.name, ...windowSize(window.workers.length), workers: window.workers, reason }
}

type Up = Extract<MachineSnapshot, { state: 'up' }>

function planWindow(window: Window, snapshot: Up, marked: ReadonlyMap<WorkerId, Pane>, options: UpOptions): TopologyAction[] {
  const missing = window.workers.filter(({ id }) => !marked.has(id) && !options.strays.has(id) && !options.retired.has(id))
  const changed = window.workers.flatMap((worker): TopologyAction[] => {
    const pane = marked.get(worker.id)
    if (pane === undefined || (pane.label === labelOf(worker) && pane.made_for !== null && !pane.retiring)) return []
    return [{ do: 'relabel_pane', pane: pane.id, worker, reason: whyRelabel(pane) }]
  })
  if (missing.length === 0) return changed
  const home = homeOf(window, snapshot, marked)
  if (home === null) {
    const begun = snapshot.windows.some((each) => each.window === null && each.name === temporaryName(window.name))
    const reason = begun ? `burn was stopped while it created the window ${window.name}` : `the window ${window.name} does not exist`
    return [...changed, createWindow({ ...window, workers: missing }, begun, reason)]
  }
  const free = snapshot.panes.filter(
    (pane) => pane.window_id === home.id && pane.worker === null && !pane.dead && options.childless.has(pane.id),
  )
  const adopted = missing.slice(0, free.length).map((worker, index): TopologyAction => {
    return { do: 'adopt_pane', pane: free[index]!.id, worker, reason: 'the window has an unused shell' }
  })
  const added = missing.slice(free.length)
  const panes = snapshot.panes.filter((pane) => pane.window_id === home.id).length + added.length
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
            reason: `${added.length} of ${counted(window.workers.length, 'worker')} ${added.length === 1 ? 'has' : 'have'} no pane`,
          },
        ]
  return [...changed, ...adopted, ...add]
}

function whyRelabel({ retiring, made_for }: Pane): string {
  if (retiring) return 'the worker is in the spec again'
  return made_for === null ? 'burn stores the session name in the pane, to find the pane in every session' : 'the label changed'
}

/**
 * Returns the tmux window for a window of the spec: the window whose option `@burn_window` names it, else the window that has panes of its
 * workers, else a window with the same name and without that option; null if there is none.
 */
function homeOf(window: Window, snapshot: Up, marked: ReadonlyMap<WorkerId, Pane>): PaneWindow | null {
  const byMark = snapshot.windows.find((each) => each.window === window.name)
  if (byMark !== undefined) return byMark
  const id = window.workers.map((worker) => marked.get(worker.id)?.window_id).find((each) => each !== undefined)
  return (
    snapshot.windows.find((each) => each.id === id) ??
    snapshot.windows.find((each) => each.name === window.name && each.window === null) ??
    null
  )
}

function retire(pane: Pane, wanted: ReadonlySet<WorkerId>, { prune, work }: UpOptions): TopologyAction[] {
  if (pane.worker === null || wanted.has(pane.worker)) return []
  const held = work(pane.worker)
  if (prune && held === null && pane.made)
    return [{ do: 'end_pane', pane: pane.id, worker: pane.worker, reason: 'the spec no longer has the worker, and nothing is under way' }]
  if (pane.retiring) return []
  const reason =
    held === null
      ? 'the spec no longer has the worker (to end the pane: burn up --prune)'
      : `the spec no longer has the worker, which ${held}`
  return [{ do: 'retire_pane', pane: pane.id, worker: pane.worker, reason }]
}

/**
 * Returns the panes that `burn down` ends: those that burn created. Panes that a person created stay, and burn removes its options
 * (`@burn_…`) from these panes.
 */
export function planDown(snapshot: Up): { readonly end: readonly Pane[]; readonly leave: readonly Pane[] } {
  const ours = snapshot.panes.filter((pane) => pane.worker !== null)
  return { end: ours.filter(({ made }) => made), leave: ours.filter(({ made }) => !made) }
}
