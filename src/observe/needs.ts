/** Reads from the ledger the issues, the changes and the logins that may need a person. */
import type { NeedFacts, OpenIssue } from '../decide/needs.ts'
import type { Session } from './session.ts'
import { loginEvents, loginNeeds } from '../decide/login-needs.ts'
import { overBudgetLabel } from '../core/budget.ts'

/** Returns the changes in review, the open issues over their budget, and the logins to renew. Throws BurnError `ledger_*`. */
export async function readNeeds({ ledger, clock }: Pick<Session, 'ledger' | 'clock'>): Promise<NeedFacts> {
  const [reviews, over_budget, logins] = await Promise.all([
    ledger.reviewedChanges(),
    readOverBudget(ledger),
    ledger.events({ kinds: [...loginEvents], limit: maxEvents }),
  ])
  return { reviews, over_budget, logins: loginNeeds(logins, clock.now()) }
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
