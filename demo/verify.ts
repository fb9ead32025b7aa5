/** The final check: what git and the folder forge really hold, whatever was said on the way. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoIssue, Want } from './backlog.ts'
import type { Stage } from './stage.ts'
import { parseDocument, textOf } from '../src/forge/front-matter.ts'
import { backlog } from './backlog.ts'
import { git } from './stage.ts'

interface Dispatched {
  readonly id: string
  readonly kind: string
  readonly issue: string
  readonly worker: string
  readonly state: string
  readonly delivery: string | null
}

/** What became of an issue. `wrong` is null where it is what should have. */
export interface Outcome {
  readonly issue: DemoIssue
  readonly worker: string | null
  readonly branch: string | null
  /** Changed files with lines added and removed; or why there are none. */
  readonly change: string
  readonly wrong: string | null
}

/** `ask` runs a command and returns what it printed. */
export type Ask = (words: readonly string[]) => Promise<string>

export async function verify(stage: Stage, ask: Ask): Promise<Outcome[]> {
  const { dispatches } = JSON.parse(await ask(['ledger', '--limit', '100', '--json'])) as { dispatches: readonly Dispatched[] }
  return Promise.all(
    backlog.map((issue) => {
      const own = dispatches.filter((each) => each.issue === `local/${issue.repo}#${issue.number}`)
      if (issue.fate.kind === 'work') return worked(stage, issue, issue.fate.wants, own)
      return issue.fate.kind === 'council' ? asked(issue, own) : skipped(ask, issue, own)
    }),
  )
}

const nameOf = (worker: string) => worker.slice(worker.lastIndexOf('/') + 1)

async function worked(stage: Stage, issue: DemoIssue, wants: readonly Want[], own: readonly Dispatched[]): Promise<Outcome> {
  const [dispatch] = own
  if (dispatch === undefined) return { issue, worker: null, branch: null, change: 'nothing', wrong: 'it was given to nobody' }
  const branch = `burn/${dispatch.id}`
  const worker = nameOf(dispatch.worker)
  try {
    const repo = join(stage.forge, `${issue.repo}.git`)
    const pushed = await git(stage, '-C', repo, 'for-each-ref', `refs/heads/${branch}`)
    if (pushed === '')
      return { issue, worker, branch, change: 'none', wrong: `${branch} was not pushed (its dispatch is ${dispatch.state})` }
    const stat = await git(stage, '-C', repo, 'diff', '--numstat', `main...refs/heads/${branch}`)
    const changed = stat
      .trim()
      .split('\n')
      .map((row) => row.split('\t'))
    const author = (await git(stage, '-C', repo, 'log', '-1', '--format=%an', `refs/heads/${branch}`)).trim()
    const files = changed.map(([, , file]) => file).toSorted()
    const faults = [
      own.length > 1 ? `it was given ${own.length} times` : null,
      author === worker ? null : `${author} committed it, not ${worker}`,
      files.join() ===
      wants
        .map(({ file }) => file)
        .toSorted()
        .join()
        ? null
        : 'it changes other files than the issue names',
      ...(await Promise.all(wants.map((want) => missing(stage, repo, branch, want)))),
      unreviewed(stage, issue, branch, worker),
    ]
    const wrong = faults.find((fault) => fault !== null) ?? null
    return { issue, worker, branch, change: changed.map(([plus, minus, file]) => `${file} +${plus} -${minus}`).join(', '), wrong }
  } catch (thrown) {
    return { issue, worker, branch, change: 'none', wrong: (thrown as Error).message.split('\n')[0] ?? 'git failed' }
  }
}

/** What a branch's file has not of what is wanted; null where it has all. */
async function missing(stage: Stage, repo: string, branch: string, { file, holds, lacks }: Want): Promise<string | null> {
  const listed = (await git(stage, '-C', repo, 'ls-tree', '--name-only', `refs/heads/${branch}`, '--', file)).trim()
  if (holds === null) return listed === '' ? null : `${file} is still there`
  if (listed === '') return `${file} is not there`
  const text = await git(stage, '-C', repo, 'show', `refs/heads/${branch}:${file}`)
  if (!text.includes(holds)) return `${file} does not hold ${JSON.stringify(holds)}`
  return lacks !== undefined && text.includes(lacks) ? `${file} still holds ${JSON.stringify(lacks)}` : null
}

function unreviewed({ forge }: Stage, { repo, number }: DemoIssue, branch: string, worker: string): string | null {
  const path = join(forge, 'reviews', repo, `${number}.md`)
  if (!existsSync(path)) return 'its change is not open for review'
  const review = parseDocument(path, readFileSync(path, 'utf8'))
  return textOf(review, 'branch') === branch && textOf(review, 'author') === worker
    ? null
    : 'another change is open for review in its place'
}

function asked(issue: DemoIssue, own: readonly Dispatched[]): Outcome {
  const wrong = own.length === 1 && own[0]?.kind === 'council' && own[0].delivery === 'seen' ? null : 'the council was not asked'
  return {
    issue,
    worker: own.map(({ worker }) => nameOf(worker)).join(', ') || null,
    branch: null,
    change: 'was asked for its view, and changes nothing',
    wrong,
  }
}

/** The reason is what `burn explain` says of it. */
async function skipped(ask: Ask, issue: DemoIssue, own: readonly Dispatched[]): Promise<Outcome> {
  const explained = JSON.parse(await ask(['explain', `${issue.repo}#${issue.number}`, '--json'])) as {
    record: { verdict: { eligible: boolean; reason: string } | null } | null
  }
  const verdict = explained.record?.verdict ?? null
  const wrong =
    own.length > 0 ? 'it was given, and should not have been' : verdict === null || verdict.eligible ? 'it was not decided' : null
  return { issue, worker: null, branch: null, change: verdict?.reason ?? 'no reason', wrong }
}
