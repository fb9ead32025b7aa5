/** The CI and the reviewer of the demo: one check fails, and one review asks for a change. Both are content with the next push. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DemoSetup } from './setup.ts'
import { renderDocument } from '../src/forge/front-matter.ts'
import { backlog, type DemoIssue, type Feedback } from './backlog.ts'

/** The state of a feedback: `awaited` until the change is open, `given` until the worker pushes the fix, then `fixed`. */
export interface FeedbackLine {
  /** The issue of the change, such as `kettle#3`. */
  readonly issue: string
  /** The feedback in words, such as `a failed check`. */
  readonly what: string
  readonly state: 'awaited' | 'given' | 'fixed'
}

/** The feedback that has not been given. */
export const noFeedback: readonly FeedbackLine[] = backlog.flatMap(({ repo, number, feedback }) =>
  feedback === null
    ? []
    : [{ issue: `${repo}#${number}`, what: feedback.by === 'check' ? 'a failed check' : 'a review', state: 'awaited' }],
)

/** Interval (ms) at which CI and the reviewer look at the changes. */
const interval = 200

/** Plays CI and the reviewer until `stop` is called. Calls `onChange` after each change of a state. */
export function giveFeedback({ forge }: DemoSetup, onChange: (lines: readonly FeedbackLine[]) => void): { stop(): void } {
  const wanted = backlog.flatMap((issue) => (issue.feedback === null ? [] : [{ issue, feedback: issue.feedback }]))
  const heads = new Map<DemoIssue, string>()
  let lines = noFeedback
  const timer = setInterval(() => {
    for (const [index, { issue, feedback }] of wanted.entries()) {
      const state = lines[index]?.state
      const head = headOf(forge, issue)
      if (head === null || state === 'fixed' || head === heads.get(issue)) continue
      heads.set(issue, head)
      write(forge, { issue, feedback, head, asks: state === 'awaited' })
      lines = lines.map((line, at) => (at === index ? { ...line, state: state === 'awaited' ? 'given' : 'fixed' } : line))
      onChange(lines)
    }
  }, interval)
  return { stop: () => clearInterval(timer) }
}

/** Returns the head of an issue's open change; null if there is none. */
function headOf(forge: string, { repo, number }: DemoIssue): string | null {
  const change = join(forge, 'reviews', repo, `${number}.md`)
  if (!existsSync(change)) return null
  const [, branch = ''] = /^branch: "?([^"\n]+)"?$/m.exec(readFileSync(change, 'utf8')) ?? []
  const ref = join(forge, `${repo}.git`, 'refs/heads', branch)
  return existsSync(ref) ? readFileSync(ref, 'utf8').trim() : null
}

interface Given {
  readonly issue: DemoIssue
  readonly feedback: Feedback
  readonly head: string
  /** False if the head has the fix. */
  readonly asks: boolean
}

function write(forge: string, { issue, feedback, head, asks }: Given): void {
  const { repo, number } = issue
  const { by, file, line, wrong, right } = feedback
  const text = `In ${file} it says "${wrong}", but it should say "${right}".`
  if (by === 'check') {
    const dir = join(forge, 'checks', repo, head)
    put(join(dir, 'spelling.log'), asks ? `checking 3 files\n${text}\n1 error\n` : 'checking 3 files\n')
    return put(join(dir, 'spelling.md'), renderDocument({ state: asks ? 'failed' : 'passed' }, ''))
  }
  const [dir, author] = [join(forge, 'reviews', repo, String(number)), 'ann']
  const thread = { path: file, line: String(line), author, commit: head, ...(asks ? {} : { resolved: 'true' }) }
  put(join(dir, 'threads/1.md'), renderDocument(thread, `${text}\n`))
  const state = asks ? 'changes_requested' : 'approved'
  put(join(dir, `reviews/${asks ? 1 : 2}.md`), renderDocument({ state, author, commit: head }, asks ? 'One thing.\n' : 'Thanks.\n'))
}

/** Writes a file under a temporary name and renames it, so that burn reads no half of it. */
function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.part`, text)
  renameSync(`${path}.part`, path)
}
