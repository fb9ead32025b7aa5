/** Reads from the ledger the issues, the changes and the logins that may need a person. */
import type { Event } from '../core/events.ts'
import type { NeedFacts, OpenIssue } from '../decide/needs.ts'
import type { Session } from './session.ts'
import { loginEvents, loginNeeds } from '../decide/login-needs.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { loadLoginMemories } from './logins.ts'

type Part = Pick<Session, 'ledger' | 'clock' | 'fleet'>

/** Returns the changes in review, the open issues over their budget, and the logins to renew. Throws BurnError `ledger_*`. */
export async function readNeeds(session: Part): Promise<NeedFacts> {
  const [reviews, over_budget, logins] = await Promise.all([
    session.ledger.reviewedChanges(),
    readOverBudget(session),
    readLoginEvents(session),
  ])
  return { reviews, over_budget, logins: loginNeeds(logins, session.clock.now()) }
}

/**
 * Returns the events about the logins of the fleet with a trouble or a warning. The ledger finds the events of a subject by an index, and
 * would have to read all events to find those of a kind.
 */
async function readLoginEvents(session: Part): Promise<readonly Event[]> {
  const memories = (await Promise.all(session.fleet.machines.map((machine) => loadLoginMemories(machine, session)))).flat()
  const reported = memories.filter(([, { reported: trouble, warned_at }]) => trouble !== null || warned_at !== null)
  return (await Promise.all(reported.map(([subject]) => session.ledger.events({ subject, kinds: [...loginEvents] })))).flat()
}

/** Returns the open issues that used more than their budget. A person who removes the label of an issue has decided about it. */
async function readOverBudget({ ledger, fleet }: Part): Promise<OpenIssue[]> {
  if (fleet.budgets.every(({ issue }) => issue === null)) return []
  const labelled = await ledger.labelledIssues(overBudgetLabel)
  const found = await Promise.all(
    labelled.map(async ({ ref, url }): Promise<OpenIssue[]> => {
      const [last] = await ledger.events({ subject: ref, kinds: ['issue.over_budget'], limit: 1 })
      return last !== undefined && 'reason' in last.payload ? [{ issue: ref, url, since: last.at, reason: last.payload.reason }] : []
    }),
  )
  return found.flat()
}
