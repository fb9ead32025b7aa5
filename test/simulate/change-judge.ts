/**
 * Judges how burn brings changes to their end in a simulated night. It knows the forge, the prompts that agents received and the merges; it
 * never reads the ledger.
 */
import type { ChangeCondition, ChangePolicy } from '../../src/core/change-stages.ts'
import type { IssueRef, Time } from '../../src/core/nouns.ts'
import type { SimulatedMerge } from '../../src/simulate/changes.ts'
import type { Receipt, World } from '../../src/simulate/world.ts'
import { asking, fleetLogin, hasSameWork, headChecks, reviewers, stranger } from '../../src/simulate/changes.ts'

/**
 * The age (ms) from which burn must know a fact: a cycle takes at most 4 minutes, and a dispatcher can be suspended for 10 minutes between
 * a read and a write.
 */
const slack = 15 * 60_000

/** The figures of the changes of one night. */
export interface ChangeFigures {
  /** Follow-ups that reached agents. */
  told: number
  /** Merges by burn. */
  merges: number
  /** Work prompts for issues that had been blocked before. */
  unblocked: number
}

/** Judges the changes and the blocked issues of one night. */
export class ChangeJudge {
  readonly figures: ChangeFigures = { told: 0, merges: 0, unblocked: 0 }
  /** Texts about broken rules. */
  readonly broken: string[] = []
  readonly #policy: ChangePolicy
  readonly #idsAt = new Map<string, Time>()
  readonly #told = new Map<string, string>()
  /** The texts about changes that agents received, by issue. */
  readonly #texts = new Map<IssueRef, { readonly kind: ChangeCondition; readonly at: Time }[]>()

  constructor(policy: ChangePolicy) {
    this.#policy = policy
  }

  readonly onId = (id: string, at: Time): void => void this.#idsAt.set(id, at)

  readonly onReceipt = ({ id, issue, at, text, blockers }: Receipt): void => {
    const claimed = this.#idsAt.get(id)
    if (text.includes('issue to work on: ') && claimed !== undefined) {
      for (const { ref, since, open } of blockers)
        if (open && since < claimed - slack) this.broken.push(`${issue} was given to an agent, but ${ref} blocks it`)
      if (blockers.length > 0) this.figures.unblocked += 1
    }
    const conditions = conditionsIn(text)
    if (conditions.length > 0) {
      this.figures.told += 1
      this.#texts.set(issue, [...(this.#texts.get(issue) ?? []), { kind: kindOf(text), at }])
    }
    for (const condition of conditions) {
      const before = this.#told.get(condition)
      if (before !== undefined) this.broken.push(`${issue}: ${before} and ${id} both told ${condition}`)
      this.#told.set(condition, id)
    }
    if (conditions.length > 0 && text.includes(`by: ${stranger}`)) this.broken.push(`${issue}: ${id} has a review of a stranger`)
  }

  readonly onMerge = ({ change, sha, at }: SimulatedMerge): void => {
    this.figures.merges += 1
    const { merge } = this.#policy
    const not = (why: string) => this.broken.push(`${change.issue}: burn merged ${sha}, but ${why}`)
    const isOld = (since: Time) => since < at - slack
    if (merge === 'never') not('the policy is never')
    if (sha !== change.head) not(`the head is ${change.head}`)
    const checks = headChecks(change)
    if (checks.length === 0) not('it has no checks')
    for (const { name, state, since, passed } of checks) if (state !== 'passed' && (!passed || isOld(since))) not(`${name} is ${state}`)
    const approvals = change.reviews.filter(
      ({ author, state, sha: of }) => state === 'approved' && hasSameWork(change, of) && reviewers.includes(author),
    )
    if (merge === 'approved' && approvals.length === 0) not('nobody approved this head')
    const old = {
      reviews: change.reviews.filter((each) => isOld(each.at)),
      threads: change.threads.filter((each) => isOld(each.comments[0]?.at ?? at)),
    }
    const asks = asking(change)
    for (const login of asking(old)) if (asks.has(login)) not(`${login} asks for changes`)
    if (change.pushed.login !== fleetLogin && isOld(change.pushed.at)) not(`${change.pushed.login} pushed`)
  }

  /**
   * burn calls a person only if agents received all rounds about a condition, or if the last text brought no push. Only for a night in which
   * no text can be lost.
   */
  readonly onEscalation = (issue: IssueRef, { forge, clock }: World): void => {
    const { rounds, push_timeout } = this.#policy
    const texts = this.#texts.get(issue) ?? []
    const count = (wanted: ChangeCondition) => texts.filter(({ kind }) => kind === wanted).length
    const change = [...forge.reviewed.values()].find((each) => each.issue === issue && each.state === 'open')
    const last = texts.at(-1)
    const isUnanswered = last !== undefined && last.at > (change?.fixed ?? 0) && clock.now() - last.at >= push_timeout
    if (isUnanswered || conditions.some((kind) => count(kind) >= rounds[kind])) return
    this.broken.push(`${issue}: burn called a person, but agents received only ${JSON.stringify(texts)}`)
  }

  /** Returns the broken rules at the end. People end only changes that burn brought to an end, so a lost round leaves an open change. */
  atEnd({ forge }: World): readonly string[] {
    const open = [...forge.reviewed.values()].filter(({ state, issue }) => state === 'open' && forge.isOpen(issue))
    const lost = open.map(
      (change) => `${change.issue}: the change ${change.id} is still open (${[...asking(change)].join(', ')}, ${change.conflict})`,
    )
    return [...this.broken, ...lost]
  }
}

const conditions: readonly ChangeCondition[] = ['checks', 'reviews', 'conflict']

function kindOf(text: string): ChangeCondition {
  return /failed at commit \S+\./.test(text) ? 'checks' : text.includes('CONFLICT (content) at ') ? 'conflict' : 'reviews'
}

/** Returns the conditions that a follow-up names. Each request of a reviewer has a number of its own. */
function conditionsIn(text: string): string[] {
  if (!text.includes('needs more work (dispatch ')) return []
  const [, sha] = /failed at commit (\S+)\./.exec(text) ?? []
  if (sha !== undefined)
    return [
      `red checks at ${sha}: ${[...text.matchAll(/^check: (.*)$/gm)]
        .map(([, name]) => name)
        .toSorted()
        .join(', ')}`,
    ]
  const conflict = /CONFLICT \(content\) at (\S+)/.exec(text)?.[1]
  if (conflict !== undefined) return [`conflict at ${conflict}`]
  const parts = text.split(/\n\n|\n-----/).flatMap((part) => part.match(/request \d+/g)?.at(-1) ?? [])
  return parts.length > 0 ? parts : [`a follow-up without a known condition: ${text.slice(0, 400)}`]
}
