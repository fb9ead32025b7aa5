/** The forge of `npm run loop` with its CI and its people: they act on each change as its plan says. */
import { spawnSync } from 'node:child_process'
import type { GiteaStandIn } from '../stand-ins/gitea/server.ts'
import type { IssueRow, ForgeState } from '../stand-ins/gitea/state.ts'
import type { JobRow, PullRow, ReviewRow } from '../stand-ins/gitea/change-rows.ts'
import type { IssuePlan } from './plan.ts'
import { seeded } from '../../src/core/random.ts'
import { commitTo, plainGit } from '../stand-ins/gitea/git.ts'
import { headOf, isStale, logOf, push, report, review, run } from '../stand-ins/gitea/people.ts'
import { baseOf, hasConflict, mergeBase } from '../stand-ins/gitea/merging.ts'
import { sprintRepo } from './plan.ts'

/** The number of ticks until a check ends; more after a late push, so that burn decides before. */
const checkTicks = 3
const lateCheckTicks = 30
const [first, second, stranger] = ['ann', 'bob', 'eve']

interface Request {
  readonly author: string
  readonly numbers: readonly number[]
  dismissAt: number
}

interface CheckRun {
  readonly sha: string
  readonly job: JobRow
  readonly target_url: string
  ticks: number
  attempts: number
}

/** A change that CI and people know. */
export interface SeenChange {
  readonly plan: IssuePlan
  readonly row: IssueRow
  readonly pull: PullRow
  head: string
  check: CheckRun | null
  /** The requests of people who may write that are not answered. */
  requests: Request[]
  latePushes: number
  /** The head of the last late push. */
  lateHead: string
  hasBegun: boolean
}

/** Returns true if the forge counts a review as an approval of the head. */
export function isApproval(state: ForgeState, pull: PullRow, review: ReviewRow): boolean {
  return review.state === 'APPROVED' && !review.dismissed && !isStale(state, pull, review.commit)
}

/** CI and people. Call `tick` often. */
export class People {
  readonly changes = new Map<string, SeenChange>()
  /** The numbers of the requests by strangers. */
  readonly strange = new Set<number>()
  /** The number of merges that the forge refused because the head had moved. */
  refused = 0
  readonly #forge: GiteaStandIn
  readonly #plans: readonly IssuePlan[]
  readonly #contents = new Map<string, string>()
  readonly #random = seeded(1)
  #requests = 0
  #ticks = 0

  constructor(forge: GiteaStandIn, plans: readonly IssuePlan[]) {
    this.#forge = forge
    this.#plans = plans
  }

  tick(): void {
    this.#ticks += 1
    for (const plan of this.#plans) {
      for (const row of this.#forge.state.repo(plan.repo).items.values()) {
        if (row.pull === null || row.state !== 'open') continue
        if (Number(/Closes #(\d+)/.exec(row.body)?.[1]) !== plan.number) continue
        const key = `${plan.repo}!${row.number}`
        const known = this.changes.get(key)
        const change = known ?? {
          plan,
          row,
          pull: row.pull,
          head: '',
          check: null,
          requests: [],
          latePushes: 0,
          lateHead: '',
          hasBegun: false,
        }
        this.changes.set(key, change)
        this.#act(change)
      }
    }
  }

  /**
   * Lets the agent of a mergeable change push again, right after burn has read the reviews. burn must not merge this new head: CI and people
   * do not know it yet.
   */
  afterAnswer(method: string, path: string, status: number): void {
    if (status === 409 && path.endsWith('/merge')) this.refused += 1
    const [, repo = '', number = ''] = /^\/repos\/([^/]+\/[^/]+)\/pulls\/(\d+)\/reviews$/.exec(path) ?? []
    const change = method === 'GET' ? this.changes.get(`${repo}!${number}`) : undefined
    if (change === undefined || change.latePushes >= change.plan.late_pushes || !this.#isMergeable(change)) return
    // burn also reads a change while its agent is at work, and then merges nothing.
    if (this.#random() < 0.5) return
    const { state } = this.#forge
    change.latePushes += 1
    const files = { [`work/${change.plan.number}-late-${change.latePushes}.txt`]: 'late\n' }
    commitTo(state.bareOf(repo) ?? '', change.pull.branch, files)
    change.lateHead = push(state, repo, change.row.number, 'burn')
  }

  #isMergeable({ plan, pull, head, check, requests }: SeenChange): boolean {
    const { state } = this.#forge
    if (headOf(state, pull) !== head || check?.job.conclusion !== 'success' || requests.length > 0) return false
    const repo = state.repo(plan.repo)
    if (mergeBase(state, repo, pull) !== baseOf(state, repo, pull.base)) return false
    return plan.repo === sprintRepo || pull.reviews.some((each) => each.author === second && isApproval(state, pull, each))
  }

  #act(change: SeenChange): void {
    const { state } = this.#forge
    const { plan, row, pull } = change
    const head = headOf(state, pull)
    if (head !== change.head) {
      if (change.head !== '' && !pull.pushes.some(({ commits }) => commits.includes(head))) push(state, plan.repo, row.number, 'burn')
      change.head = head
      change.check = this.#startCheck(plan, head)
      if (head === change.lateHead) change.check.ticks = checkTicks - lateCheckTicks
    }
    this.#runCheck(change)
    if (!change.hasBegun) this.#begin(change)
    for (const request of change.requests) this.#answer(change, request)
    this.#approve(change)
  }

  #startCheck({ repo }: IssuePlan, sha: string): CheckRun {
    const { state } = this.#forge
    const job = run(state, repo, sha, { name: 'unit', conclusion: null, log: logOf(640), ids: true })
    const target_url = state.repo(repo).ci.statuses.get(sha)?.at(-1)?.target_url ?? ''
    return { sha, job, target_url, ticks: 0, attempts: 0 }
  }

  /** Brings the check of the head forward. burn can rerun the check: the forge then removes its conclusion. */
  #runCheck({ plan, check }: SeenChange): void {
    if (check === null || check.job.conclusion !== null) return
    check.ticks += 1
    if (check.ticks < checkTicks) return
    check.ticks = 0
    check.attempts += 1
    const isFixed = this.#contentOf(plan, check.sha).includes('fixed unit')
    const passes = plan.check === 'green' || (plan.check === 'flaky' && check.attempts > 1) || (plan.check === 'red' && isFixed)
    check.job.conclusion = passes ? 'success' : 'failure'
    const status = { context: 'ci.yml / unit (pull_request)', target_url: check.target_url, description: 'ended' }
    report(this.#forge.state, plan.repo, check.sha, { ...status, state: passes ? 'success' : 'failure' })
  }

  /** A new change gets its review, and its base may move. */
  #begin(change: SeenChange): void {
    const { plan } = change
    change.hasBegun = true
    if (plan.conflict) {
      const bare = this.#forge.state.bareOf(plan.repo) ?? ''
      commitTo(bare, 'main', { [`shared/${plan.number}.txt`]: 'from a person\n' })
    }
    if (plan.review === 'none') return
    if (plan.review === 'stranger') return void this.#ask(change, stranger)
    const request = this.#ask(change, first)
    if (plan.review === 'disagree') this.#write(change, second, 'APPROVED')
    if (plan.review === 'dismissed') request.dismissAt = this.#ticks + 5
  }

  #ask(change: SeenChange, author: string): Request {
    const numbers = [++this.#requests, ++this.#requests]
    const [body, line] = numbers.map((number) => `request ${number}`)
    const lines = [{ path: `work/${change.plan.number}-first.txt`, line: 1, body: line ?? '' }]
    review(this.#forge.state, change.plan.repo, change.row.number, { author, state: 'REQUEST_CHANGES', body: body ?? '', lines })
    const request = { author, numbers, dismissAt: Infinity }
    if (author === stranger) for (const number of numbers) this.strange.add(number)
    else change.requests = [...change.requests, request]
    return request
  }

  #write({ plan, row }: SeenChange, author: string, state: 'APPROVED'): void {
    review(this.#forge.state, plan.repo, row.number, { author, state, body: 'good' })
  }

  /** A reviewer looks for the answers in the files of the head. */
  #answer(change: SeenChange, request: Request): void {
    const { plan, pull, row } = change
    const isDismissed = request.dismissAt <= this.#ticks
    const content = this.#contentOf(plan, change.head)
    if (!isDismissed && !request.numbers.every((number) => content.includes(`answered request ${number}\n`))) return
    change.requests = change.requests.filter((each) => each !== request)
    for (const { author, lines } of pull.reviews) if (author === request.author) for (const line of lines) line.resolver = author
    if (plan.review === 'insists') return void this.#ask(change, request.author)
    if (!isDismissed) return this.#write(change, request.author, 'APPROVED')
    for (const each of pull.reviews) if (each.author === request.author) each.dismissed = true
    this.#forge.state.edit(plan.repo, row.number, {})
  }

  /** A person approves the head if it is green and nobody asks for changes. The rules of sprints need no approval. */
  #approve(change: SeenChange): void {
    const { plan, pull, check, requests } = change
    if (plan.repo === sprintRepo || check?.job.conclusion !== 'success' || requests.length > 0) return
    if (pull.reviews.some((each) => each.author === second && isApproval(this.#forge.state, pull, each))) return
    if (hasConflict(this.#forge.state, this.#forge.state.repo(plan.repo), pull)) return
    this.#write(change, second, 'APPROVED')
  }

  /** Returns the texts of the issue's files at a commit. */
  #contentOf({ repo, number }: IssuePlan, sha: string): string {
    const key = `${repo} ${sha}`
    const known = this.#contents.get(key)
    if (known !== undefined) return known
    const bare = this.#forge.state.bareOf(repo) ?? ''
    const words = ['--git-dir', bare, 'grep', '-h', '-e', '', sha, '--', `work/${number}-*`]
    // git grep fails if there is no such file.
    const text = spawnSync('git', words, { env: plainGit, encoding: 'utf8' }).stdout
    this.#contents.set(key, text)
    return text
  }
}
