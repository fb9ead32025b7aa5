/** Turns actions on windows and panes into tmux lines. burn sends all lines for a machine in one write. */
import type { Worker } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { TmuxCommand } from '../core/ports.ts'
import type { TopologyAction } from '../decide/topology.ts'
import type { FirstWindow } from './open.ts'
import { labelOf, temporaryName } from '../decide/topology.ts'
import { renderLine } from './quote.ts'

type Line = readonly TmuxCommand[]

/**
 * Returns the argv of the program that runs in a pane until its agent starts. The program is no shell: it prints a message, and ignores all
 * input.
 */
function placeholder({ id }: Worker): string[] {
  return ['sh', '-c', 'printf "%s waits for its agent: burn christen\\n" "$1"; stty -echo 2>/dev/null; exec cat >/dev/null', 'burn', id]
}

/** Returns the lines that set the session options that burn relies on. They override any tmux.conf. `session` is a target, such as `$3`. */
export function sessionLines(session: string): Line[] {
  const target = `${session}:`
  return [
    [['set-option', '-t', target, 'destroy-unattached', 'off']],
    [['set-option', '-s', 'exit-unattached', 'off']],
    [['set-option', '-t', target, 'detach-on-destroy', 'on']],
  ]
}

function windowLine(target: string, window: string): Line {
  const options: readonly (readonly [string, string])[] = [
    ['window-size', 'manual'],
    ['remain-on-exit', 'on'],
    ['automatic-rename', 'off'],
    ['allow-rename', 'off'],
    ['aggressive-resize', 'off'],
    ['synchronize-panes', 'off'],
    ['pane-border-status', 'top'],
    ['pane-border-format', ' #{?@burn_label,#{@burn_label}#{?@burn_retiring, (retiring),},#{pane_title}} '],
    ['@burn_window', window],
  ]
  return options.map(([name, value]) => ['set-option', '-w', '-t', target, name, value])
}

function markCommands(target: string, worker: Worker, made_for: string, made: boolean): Line {
  return [
    ['set-option', '-p', '-t', target, '@burn_session', made_for],
    ['set-option', '-p', '-t', target, '@burn_worker', worker.id],
    ['set-option', '-p', '-t', target, '@burn_label', labelOf(worker)],
    ...(made ? [['set-option', '-p', '-t', target, '@burn_made', '1']] : []),
  ]
}

/**
 * Returns the line that creates a pane and sets burn's options of the pane. It is a single line, so that a crash can't leave a pane without
 * these options. The new pane is the active one of its window.
 */
function addLine(target: string, worker: Worker, made_for: string): Line {
  return [
    ['split-window', '-t', target, ...placeholder(worker)],
    ...markCommands(target, worker, made_for, true),
    ['select-layout', '-t', target, 'tiled'],
  ]
}

/**
 * Returns the first window of a new session. The window has one pane. tmux sets burn's options of this pane only when it runs the lines of
 * `actionLines`.
 */
export function firstWindow(action: Extract<TopologyAction, { do: 'create_window' }>): FirstWindow {
  const [worker] = action.workers
  if (worker === undefined) throw new RangeError('a window has at least one worker')
  return { name: temporaryName(action.window), width: action.width, height: action.height, command: placeholder(worker) }
}

/** A session as a target (`$3`), and the session's name in the spec, which burn stores in an option of every pane. */
export interface SessionTarget {
  readonly session: string
  readonly made_for: string
}

/**
 * Returns the lines that carry out an action. If `exists` is true, the session was created with the action's window, so the lines do not
 * create the window.
 */
export function actionLines(action: TopologyAction, { session, made_for }: SessionTarget, exists: boolean): Line[] {
  switch (action.do) {
    case 'create_window': {
      const [first, ...rest] = action.workers
      if (first === undefined) return []
      const target = `${session}:=${temporaryName(action.window)}`
      const open: Line =
        exists || action.begun ? [] : [['new-window', '-d', '-t', `${session}:`, '-n', temporaryName(action.window), ...placeholder(first)]]
      return [
        [
          ...open,
          ...windowLine(target, action.window),
          ...markCommands(target, first, made_for, true),
          ['resize-window', '-t', target, '-x', String(action.width), '-y', String(action.height)],
        ],
        ...rest.map((worker) => addLine(target, worker, made_for)),
        [['rename-window', '-t', target, action.window]],
      ]
    }
    case 'add_panes':
      return [
        [
          ...windowLine(action.window_id, action.window),
          ['resize-window', '-t', action.window_id, '-x', String(action.width), '-y', String(action.height)],
        ],
        // If the creation of a window was interrupted, the window still has its temporary name.
        [['rename-window', '-t', action.window_id, action.window]],
        ...action.workers.map((worker) => addLine(action.window_id, worker, made_for)),
      ]
    case 'adopt_pane':
      return [markCommands(action.pane, action.worker, made_for, false)]
    case 'relabel_pane':
      return [
        [...markCommands(action.pane, action.worker, made_for, false), ['set-option', '-p', '-u', '-t', action.pane, '@burn_retiring']],
      ]
    case 'retire_pane':
      return [[['set-option', '-p', '-t', action.pane, '@burn_retiring', '1']]]
    case 'end_pane':
      return [endPaneLine({ id: action.pane, worker: action.worker })]
  }
}

/** Returns the line that ends a pane if burn made it and it still belongs to the worker. */
export function endPaneLine({ id, worker }: Pick<Pane, 'id' | 'worker'>): Line {
  const unchanged = `#{==:#{pane_id} #{@burn_worker} #{@burn_made},${id} ${worker ?? ''} 1}`
  return [['if-shell', '-F', '-t', id, unchanged, renderLine([['kill-pane', '-t', id]])]]
}

/** Returns the lines that end the panes that burn made, and remove burn's options from the panes that it adopted. */
export function downLines(end: readonly Pane[], leave: readonly Pane[]): Line[] {
  const marks = ['@burn_worker', '@burn_label', '@burn_agent', '@burn_agent_id', '@burn_retiring', '@burn_session']
  return [
    ...leave.map(({ id }) => marks.map((mark) => ['set-option', '-p', '-u', '-t', id, mark])),
    ...end.map(({ id }) => [['kill-pane', '-t', id]]),
  ]
}
