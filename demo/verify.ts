/** The final check: compares the branches and changes in git and the folder forge with the expected outcomes. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoIssue, Want } from './backlog.ts'
import type { DemoSetup } from './setup.ts'
import { parseDocument, textOf } from '../src/forge/front-matter.ts'
import { backlog } from './backlog.ts'
import { git } from './setup.ts'

interface Dispatched {
  readonly id: string
  readonly kind: string
  readonly issue: string
  readonly worker: string
  readonly state: string
  readonly delivery: string | null
}

/** The outcome of an issue. `wrong`: the difference from the expected outcome; null if there is none. */
export interface Outcome {
  readonly issue: DemoIssue
  readonly worker: string | null
  readonly branch: string | null
  /** Changed files with added and removed lines, or the reason that there are none. */
  readonly change: string
  readonly wrong: string | null
}

/** Runs a command, and returns its output. */
export type Ask = (words: readonly string[]) => Promise<string>

/** Returns the outcomes of all issues. */
export async function verify(setup: DemoSetup, ask: Ask): Promise<Outcome[]> {
  const { dispatches } = JSON.parse(await ask(['ledger', '--limit', '100', '--json'])) as { dispatches: readonly Dispatched[] }
  return Promise.all(
    backlog.map((issue) => {
      const own = dispatches.filter((each) => each.issue === `local/${issue.repo}#${issue.number}`)
      if (issue.expected.kind === 'work') return worked(setup, issue, issue.expected.wants, own)
      return issue.expected.kind === 'council' ? asked(issue, own) : skipped(ask, issue, own)
    }),
  )
}

const nameOf = (worker: string) => worker.slice(worker.lastIndexOf('/') + 1)

async function worked(setup: DemoSetup, issue: DemoIssue, wants: readonly Want[], own: readonly Dispatched[]): Promise<Outcome> {
  const [dispatch] = own
  if (dispatch === undefined) return { issue, worker: null, branch: null, change: 'nothing', wrong: 'no worker got it' }
  const branch = `burn/${dispatch.id}`
  const worker = nameOf(dispatch.worker)
  try {
    const repo = join(setup.forge, `${issue.repo}.git`)
    const pushed = await git(setup, '-C', repo, 'for-each-ref', `refs/heads/${branch}`)
    if (pushed === '')
      return { issue, worker, branch, change: 'none', wrong: `${branch} was not pushed (its dispatch is ${dispatch.state})` }
    const stat = await git(setup, '-C', repo, 'diff', '--numstat', `main...refs/heads/${branch}`)
    const changed = stat
      .trim()
      .split('\n')
      .map((row) => row.split('\t'))
    const author = (await git(setup, '-C', repo, 'log', '-1', '--format=%an', `refs/heads/${branch}`)).trim()
    const files = changed.map(([, , file]) => file).toSorted()
    const faults = [
      own.length > 1 ? `it was assigned ${own.length} times` : null,
      author === worker ? null : `${author} committed it, not ${worker}`,
      files.join() ===
      wants
        .map(({ file }) => file)
        .toSorted()
        .join()
        ? null
        : 'it changes other files than those of the issue',
      ...(await Promise.all(wants.map((want) => missing(setup, repo, branch, want)))),
      unreviewed(setup, issue, branch, worker),
    ]
    const wrong = faults.find((fault) => fault !== null) ?? null
    return { issue, worker, branch, change: changed.map(([plus, minus, file]) => `${file} +${plus} -${minus}`).join(', '), wrong }
  } catch (thrown) {
    return { issue, worker, branch, change: 'none', wrong: (thrown as Error).message.split('\n')[0] ?? 'git failed' }
  }
}

/** Returns the difference between a file of a branch and its expected state; null if there is none. */
async function missing(setup: DemoSetup, repo: string, branch: string, { file, holds, lacks }: Want): Promise<string | null> {
  const listed = (await git(setup, '-C', repo, 'ls-tree', '--name-only', `refs/heads/${branch}`, '--', file)).trim()
  if (holds === null) return listed === '' ? null : `${file} still exists`
  if (listed === '') return `${file} does not exist`
  const text = await git(setup, '-C', repo, 'show', `refs/heads/${branch}:${file}`)
  if (!text.includes(holds)) return `${file} does not contain ${JSON.stringify(holds)}`
  return lacks !== undefined && text.includes(lacks) ? `${file} still contains ${JSON.stringify(lacks)}` : null
}

function unreviewed({ forge }: DemoSetup, { repo, number }: DemoIssue, branch: string, worker: string): string | null {
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
    change: 'asked for its view; changes nothing',
    wrong,
  }
}

/** Checks that an issue was not assigned. The reason comes from `burn explain`. */
async function skipped(ask: Ask, issue: DemoIssue, own: readonly Dispatched[]): Promise<Outcome> {
  const explained = JSON.parse(await ask(['explain', `${issue.repo}#${issue.number}`, '--json'])) as {
    record: { verdict: { eligible: boolean; reason: string } | null } | null
  }
  const verdict = explained.record?.verdict ?? null
  const wrong =
    own.length > 0
      ? 'it was assigned, but should not have been'
      : verdict === null || verdict.eligible
        ? 'burn did not decide about it'
        : null
  return { issue, worker: null, branch: null, change: verdict?.reason ?? 'no reason', wrong }
}
