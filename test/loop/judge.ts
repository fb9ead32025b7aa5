/** Judges a run of `npm run loop` by the forge and the logs of the agents. It never reads burn's ledger. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { GiteaStandIn } from '../stand-ins/gitea/server.ts'
import { isApproval, type People } from './forge.ts'
import type { IssuePlan } from './plan.ts'
import { markerOf } from '../../src/core/marker.ts'
import { latestStatuses } from '../stand-ins/gitea/checks.ts'
import { jsonLines } from '../support/json-lines.ts'
import { sprintRepo } from './plan.ts'

/** A follow-up that an agent received, and the head of its branch. */
export interface Told {
  readonly issue: string
  readonly head: string
  readonly text: string
}

/** The end of an issue: `open` if it has none. */
export type End = { readonly is: 'merged' | 'open' } | { readonly is: 'escalated'; readonly reason: string }

/** The rules that merges and claims must keep. It watches the forge from the beginning. */
export class LoopJudge {
  readonly merges: string[] = []
  readonly given: string[] = []
  /** The number of merges. */
  merged = 0
  readonly #forge: GiteaStandIn
  readonly #people: People
  readonly #plans: ReadonlyMap<string, IssuePlan>

  constructor(forge: GiteaStandIn, people: People, plans: readonly IssuePlan[]) {
    this.#forge = forge
    this.#people = people
    this.#plans = new Map(plans.map((plan) => [`${plan.repo}#${plan.number}`, plan]))
    const { state } = forge
    const [merge, addComment] = [state.merge.bind(state), state.addComment.bind(state)]
    state.merge = (name, number) => {
      this.#onMerge(name, number)
      const row = merge(name, number)
      const plan = people.changes.get(`${name}!${number}`)?.plan
      if (plan !== undefined) state.close(name, plan.number)
      return row
    }
    state.addComment = (name, number, author, body) => {
      if (markerOf(body) !== null) this.#onClaim(name, number)
      return addComment(name, number, author, body)
    }
  }

  #onClaim(name: string, number: number): void {
    const by = this.#plans.get(`${name}#${number}`)?.blocked_by ?? null
    if (by !== null && this.#forge.state.issue(name, by).state === 'open') this.given.push(`${name}#${number} was given before #${by}`)
  }

  #onMerge(name: string, number: number): void {
    this.merged += 1
    const { pull } = this.#forge.state.issue(name, number)
    const change = this.#people.changes.get(`${name}!${number}`)
    const not = (why: string) => void this.merges.push(`${name}!${number}: merged, but ${why}`)
    if (pull === null || change === undefined) return not('CI has not seen it')
    const statuses = latestStatuses(this.#forge.state.repo(name), pull.sha)
    if (statuses.length === 0 || statuses.some(({ state }) => state !== 'success')) not(`${pull.sha} is not green`)
    const approvals = pull.reviews.filter((each) => each.author !== 'eve' && isApproval(this.#forge.state, pull, each))
    if (name !== sprintRepo && approvals.length === 0) not(`nobody approved ${pull.sha}`)
    if (change.requests.length > 0) not('a reviewer asks for changes')
    // The forge's log proves that burn decided about this head, and not about an earlier one.
    const read = `/repos/${name}/commits/${pull.sha}/status`
    if (!this.#forge.log.some(({ method, target }) => method === 'GET' && target.includes(read))) not(`burn did not read ${pull.sha}`)
  }

  /** Returns the issues for which burn called a person before an agent received all rounds. */
  lostRounds(told: readonly Told[]): string[] {
    const counts = Map.groupBy(told, ({ issue, text }) => `${issue} ${kindOf(text)}`)
    return [...this.#plans].flatMap(([issue, plan]) => {
      const end = this.endOf(plan)
      const [, rounds, kind] = (end.is === 'escalated' && /told an agent (\d+) times? \(changes\.rounds\.(\w+)\)/.exec(end.reason)) || []
      const received = counts.get(`${issue} ${kind}`)?.length ?? 0
      return rounds === undefined || received === Number(rounds)
        ? []
        : [`${issue}: burn says that it told an agent ${rounds} times about ${kind}, but agents received ${received}`]
    })
  }

  /** Returns how often agents pushed right after burn had read a mergeable change. */
  late(): string {
    const pushes = [...this.#people.changes.values()].reduce((sum, { latePushes }) => sum + latePushes, 0)
    return `${pushes} late pushes, ${this.#people.refused} merges of an earlier head refused`
  }

  /** Returns the conditions that agents received more than once, and the requests of strangers that agents received. */
  twice(told: readonly Told[]): string[] {
    const counts = new Map<string, number>()
    for (const one of told) for (const condition of conditionsIn(one)) counts.set(condition, (counts.get(condition) ?? 0) + 1)
    const strange = [...this.#people.strange].filter((number) => counts.has(`request ${number}`))
    return [
      ...[...counts].flatMap(([condition, count]) => (count === 1 ? [] : [`${condition} was told ${count} times`])),
      ...strange.map((number) => `request ${number} of a stranger was told`),
    ]
  }

  /** Returns the end of an issue, as the forge shows it. */
  endOf({ repo, number }: IssuePlan): End {
    const { state } = this.#forge
    const issue = state.issue(repo, number)
    if (issue.state === 'closed') return { is: 'merged' }
    const changes = [...this.#people.changes.values()].filter(({ plan }) => plan.repo === repo && plan.number === number)
    const reason = changes.flatMap(({ row }) => row.comments).find(({ body }) => body.includes('This change needs a person: '))
    if (!issue.labels.includes('needs-person') || reason === undefined) return { is: 'open' }
    return { is: 'escalated', reason: /This change needs a person: (.*)/.exec(reason.body)?.[1] ?? '' }
  }
}

/** Returns the kind of condition that a follow-up is about, as `changes.rounds` names it. */
function kindOf(text: string): 'checks' | 'conflict' | 'reviews' {
  return /failed at commit \S+\./.test(text) ? 'checks' : text.includes('The change conflicts with ') ? 'conflict' : 'reviews'
}

/** Returns the conditions that a follow-up names. */
function conditionsIn({ issue, head, text }: Told): string[] {
  const [, sha] = /failed at commit (\S+)\./.exec(text) ?? []
  if (sha !== undefined) return [`red checks of ${issue} at ${sha}: ${text.match(/^check: .*$/gm)?.join(', ')}`]
  if (text.includes('The change conflicts with ')) return [`conflict of ${issue} at ${head}`]
  const requests = [...new Set(text.match(/request \d+/g))]
  return requests.length > 0 ? requests : [`a follow-up about ${issue} without a condition`]
}

/** Returns the follow-ups in the logs of the agents in panes. */
export function toldIn(dir: string): Told[] {
  interface Line {
    readonly event: string
    readonly repo: string
    readonly number: string
    readonly head: string
    readonly text: string
  }
  const lines = readdirSync(dir).flatMap((name) => jsonLines<Line>(join(dir, name)))
  return lines.flatMap(({ event, repo, number, head, text }) => (event === 'told' ? [{ issue: `${repo}#${number}`, head, text }] : []))
}
