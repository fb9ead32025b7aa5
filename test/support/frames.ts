/** Recorded screens with the true states of their agents, and the score of the parsers on them. */
import { existsSync, readFileSync } from 'node:fs'
import type { ParsedScreen, PaneFacts } from '../../src/core/agent.ts'
import { paneAgent } from '../../src/agents/index.ts'

/** A recorded screen with the true state of its agent. */
export interface Frame {
  readonly file: string
  readonly agent: string
  readonly state: string
  readonly detail: string
  /** The true state of the composer, if the corpus has it. */
  readonly composer: string | undefined
  readonly screen: readonly string[]
  readonly facts: PaneFacts
}

/** The folder with screens of stand-in agents. */
export const ownFrames = new URL('../agents/screens/', import.meta.url)
/** The folder with screens of the real programs. It is not part of the repository. */
export const realFrames = new URL('../../../shared/data/screens/', import.meta.url)

/**
 * Screens that a slow machine recorded before the program drew its new state. They are identical to screens of another state: an approval
 * that is not drawn yet looks like `working`, and a draft like an empty composer. A parser that got them right would get others wrong.
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
  // The screen still shows the box of a denied tool call, or the row that said it was loading.
  'qwen/164-idle-stale-approval-denied-120x30.txt',
  'qwen/211-idle-stale-approval-denied-80x24.txt',
  'qwen/216-idle-stale-approval-denied-57x12.txt',
  // The model called a tool that does not exist. So the screen shows no question, and the composer accepts a prompt.
  'qwen/228-waiting-question-approval-mode-80x24.txt',
  'qwen/233-waiting-question-approval-mode-57x12.txt',
])

/** Returns the frames that `labels.tsv` in a folder lists; null if there is no such file. */
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

/** Parses the screen of a frame. */
export function read(frame: Frame): ParsedScreen {
  return paneAgent({ kind: frame.agent }).parseScreen(frame.screen, frame.facts)
}

/** The accuracy of the parsers on a set of frames. */
export interface Score {
  readonly frames: number
  readonly right: number
  /** Frames of working or waiting agents that were read as idle. This error can make burn interrupt an agent. */
  readonly false_idle: readonly string[]
  readonly wrong: readonly string[]
  /** Number of frames by true state (first key) and read state (second key). */
  readonly matrix: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** Parses frames, and returns the score. */
export function score(frames: readonly Frame[]): Score {
  const matrix = new Map<string, Map<string, number>>()
  const wrong: string[] = []
  const falseIdle: string[] = []
  for (const frame of frames) {
    const { state, evidence } = read(frame).reading
    const row = matrix.get(frame.state) ?? new Map<string, number>()
    matrix.set(frame.state, row.set(state, (row.get(state) ?? 0) + 1))
    if (state === frame.state) continue
    const error = `${frame.file}: ${frame.state}, read as ${state} (${evidence})`
    wrong.push(error)
    if (state === 'idle' && (frame.state === 'working' || frame.state === 'waiting')) falseIdle.push(error)
  }
  return { frames: frames.length, right: frames.length - wrong.length, wrong, false_idle: falseIdle, matrix }
}
