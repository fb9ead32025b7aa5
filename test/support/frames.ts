/** Recorded screens with what was true when they were recorded, and how often they are read right. */
import { existsSync, readFileSync } from 'node:fs'
import type { ParsedScreen, PaneFacts } from '../../src/core/agent.ts'
import { paneAgent } from '../../src/agents/index.ts'

export interface Frame {
  readonly file: string
  readonly agent: string
  readonly state: string
  readonly detail: string
  /** Only where the corpus says it. */
  readonly composer: string | undefined
  readonly screen: readonly string[]
  readonly facts: PaneFacts
}

/** Screens that the stand-ins drew. */
export const ownFrames = new URL('../agents/screens/', import.meta.url)
/** Screens of the real programs, where they stand beside the repo. */
export const realFrames = new URL('../../../shared/data/screens/', import.meta.url)

/**
 * Recorded by a starved machine before the program drew what was already true: row for row such a screen is one of another state (an approval not
 * drawn yet is a working agent's screen, a draft not drawn yet an empty composer), so no reader of it can know. Read honestly they are
 * `working` and `empty`; a reader that got them right would get others wrong.
 */
export const undrawn: ReadonlySet<string> = new Set([
  'opencode/010-idle-draft-80x24.txt',
  'opencode/511-idle-draft-120x30.txt',
  'opencode/512-idle-draft-200x50.txt',
  'opencode/108-waiting-approval-early-80x24.txt',
  'opencode/109-waiting-approval-80x24.txt',
  'opencode/114-waiting-approval-early-57x12.txt',
  'opencode/115-waiting-approval-57x12.txt',
  'opencode/610-waiting-approval-early-120x30.txt',
  // The box of a denied call still stands, or its loading row.
  'qwen/164-idle-stale-approval-denied-120x30.txt',
  'qwen/211-idle-stale-approval-denied-80x24.txt',
  'qwen/216-idle-stale-approval-denied-57x12.txt',
  // A tool that this agent does not have was called: nothing is asked on the screen, and the composer takes a prompt.
  'qwen/228-waiting-question-approval-mode-80x24.txt',
  'qwen/233-waiting-question-approval-mode-57x12.txt',
])

/** Every frame that `labels.tsv` in the folder names; null where there is no such folder. */
export function framesIn(folder: URL): readonly Frame[] | null {
  const labels = new URL('labels.tsv', folder)
  if (!existsSync(labels)) return null
  const [head = '', ...lines] = readFileSync(labels, 'utf8').trimEnd().split('\n')
  const names = head.split('\t')
  return lines.map((line) => {
    const row = Object.fromEntries(line.split('\t').map((value, i) => [names[i] ?? '', value]))
    const of = (name: string) => row[name] ?? ''
    return {
      file: of('file'),
      agent: of('agent'),
      state: of('state'),
      detail: of('detail'),
      composer: row['composer'],
      screen: readFileSync(new URL(of('file'), folder), 'utf8')
        .replace(/\n$/, '')
        .split('\n'),
      facts: {
        width: Number(of('width')),
        height: Number(of('height')),
        title: of('pane_title'),
        command: of('pane_current_command'),
        dead: of('pane_dead') === '1',
        cursor_x: Number(of('cursor_x')),
        cursor_y: Number(of('cursor_y')),
      },
    }
  })
}

export function read(frame: Frame): ParsedScreen {
  return paneAgent({ kind: frame.agent }).parseScreen(frame.screen, frame.facts)
}

export interface Score {
  readonly frames: number
  readonly right: number
  /** Frames of a working or waiting agent that were read as idle: the mistake that costs work. */
  readonly lies: readonly string[]
  readonly wrong: readonly string[]
  /** How many frames of a true state (first key) were read as each state (second). */
  readonly matrix: ReadonlyMap<string, ReadonlyMap<string, number>>
}

export function score(frames: readonly Frame[]): Score {
  const matrix = new Map<string, Map<string, number>>()
  const wrong: string[] = []
  const lies: string[] = []
  for (const frame of frames) {
    const { state, evidence } = read(frame).reading
    const row = matrix.get(frame.state) ?? new Map<string, number>()
    matrix.set(frame.state, row.set(state, (row.get(state) ?? 0) + 1))
    if (state === frame.state) continue
    const said = `${frame.file}: ${frame.state}, read as ${state} (${evidence})`
    wrong.push(said)
    if (state === 'idle' && (frame.state === 'working' || frame.state === 'waiting')) lies.push(said)
  }
  return { frames: frames.length, right: frames.length - wrong.length, wrong, lies, matrix }
}
