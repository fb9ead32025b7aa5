/** Reads from the ledger the issues and the changes that may need a person. */
import type { NeedFacts, OpenIssue } from '../decide/needs.ts'
import type { Session } from './session.ts'
import { overBudgetLabel } from '../core/budget.ts'

/** Returns the changes in review, and the open issues over their budget. Throws BurnError `ledger_*`. */
export async function readNeeds({ ledger }: Pick<Session, 'ledger'>): Promise<NeedFacts> {
  const [reviews, over_budget] = await Promise.all([ledger.reviewedChanges(), readOverBudget(ledger)])
  return { reviews, over_budget }
}

/** The maximum number of events about budgets. An issue over its budget has one event for each escalation. */
const maxEvents = 100_000

/** Returns the open issues that used more than their budget. A person who removes the label of an issue has decided about it. */
async function readOverBudget(ledger: Session['ledger']): Promise<OpenIssue[]> {
  const events = await ledger.events({ kinds: ['issue.over_budget'], limit: maxEvents })
  const last = new Map(events.map((event) => [event.subject, event]))
  const found = await Promise.all(
    [...last.values()].map(async ({ subject, at, payload }): Promise<OpenIssue[]> => {
      const issue = (await ledger.issue(subject))?.issue
      const isOpen = issue?.state === 'open' && issue.labels.includes(overBudgetLabel)
      return isOpen && 'reason' in payload ? [{ issue: subject, url: issue.url, since: at, reason: payload.reason }] : []
    }),
  )
  return found.flat()
}
