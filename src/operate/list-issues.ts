/** `burn issue list`: lists open issues, and the agents that they are assigned to. */
import type { Delegation } from '../core/delegation.ts'
import type { Standing } from '../core/ledger/backlog.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session } from '../observe/session.ts'
import { isSameLogin } from '../core/assignees.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { codeOf, messageWithHint } from '../core/errors.ts'
import { inQueueOrder, orderReason, queueRules } from '../decide/queue.ts'

/** An open issue. */
export interface ListedIssue {
  readonly issue: IssueRef
  readonly title: string
  readonly created_at: Time
  /** The reason for the issue's place in the queue. */
  readonly order: Reason
  readonly standing: Standing | null
  readonly assignees: readonly string[]
  /** The delegation of the issue; null if burn did not assign the issue. */
  readonly delegation: (Pick<Delegation, 'agent' | 'login' | 'state' | 'deadline'> & { readonly since: Time }) | null
  /** The name of the agent in the spec that is assigned; null if there is none. */
  readonly agent: string | null
}

/** An agent of the spec, and the number of open issues that are assigned to it. */
export interface AgentLoad {
  readonly agent: string
  readonly login: string
  readonly lane: string | null
  readonly assigned: number
  readonly capacity: number
}

/** The open issues of some repos. */
export interface IssueList {
  readonly issues: readonly ListedIssue[]
  readonly agents: readonly AgentLoad[]
  /** Repos that burn could not read, with the reasons. Their issues may be outdated. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

/** Reads new issues of these repos with one listing for each repo, and returns the open issues in the order of the queue. */
export async function listIssues(repos: readonly RepoRef[], session: Session): Promise<IssueList> {
  const { fleet, ledger } = session
  const unread = await readNewIssues(repos, session)
  const open = (await Promise.all(repos.map((repo) => ledger.openIssues(repo)))).flat()
  const live = new Map((await ledger.delegationRecords()).live.map((each) => [each.issue, each]))
  const declared = fleet.delegation?.agents ?? []
  const queue = queueRules(fleet.dispatch)
  const issues = inQueueOrder(open, queue).map((record): ListedIssue => {
    const { issue, standing } = record
    const { ref, title, created_at, assignees } = issue
    const own = live.get(ref)
    const agent = declared.find(({ login }) => assignees.some((other) => isSameLogin(other, login)))
    const delegation =
      own === undefined ? null : { agent: own.agent, login: own.login, state: own.state, deadline: own.deadline, since: own.created_at }
    return { issue: ref, title, created_at, order: orderReason(record, queue), standing, assignees, delegation, agent: agent?.name ?? null }
  })
  const agents = declared.map(({ name, login, lane, capacity }) => {
    return { agent: name, login, lane, assigned: issues.filter(({ agent }) => agent === name).length, capacity }
  })
  return { issues, agents, unread }
}

const maxConcurrentListings = 8

/** Saves the issues that changed since the last listing. Returns the repos that burn could not read, with the reasons. */
async function readNewIssues(repos: readonly RepoRef[], { forge, ledger, clock }: Session): Promise<Map<RepoRef, string>> {
  const cursors = new Map((await ledger.repos()).map(({ repo, cursor }) => [repo, cursor]))
  const unread = new Map<RepoRef, string>()
  await mapConcurrently(repos, maxConcurrentListings, async (repo) => {
    try {
      const known = cursors.get(repo) ?? null
      const { issues, cursor, complete, changed_at } = await forge.issues(repo, known)
      // A listing may miss an open issue. A cycle checks such issues one by one before it treats them as closed.
      await ledger.saveIssues([{ repo, issues, cursor, complete: complete && known === null, changed_at }], clock.now(), true)
    } catch (thrown) {
      if (!codeOf(thrown).startsWith('forge_')) throw thrown
      unread.set(repo, messageWithHint(thrown))
    }
  })
  return unread
}
