/** `burn issue list`: lists open issues, and the agents that they are assigned to. */
import type { Delegation } from '../core/delegation.ts'
import type { Standing } from '../core/ledger/backlog.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { isSameLogin } from '../core/assignees.ts'
import { queueOrder } from '../decide/route.ts'
import { refresh } from '../observe/state.ts'

/** An open issue. */
export interface ListedIssue {
  readonly issue: IssueRef
  readonly title: string
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
  const { repos_down: unread } = await refresh([], session, { served: repos, quiet: true })
  const open = (await Promise.all(repos.map((repo) => ledger.openIssues(repo)))).flat()
  const live = new Map((await ledger.delegationRecords()).live.map((each) => [each.issue, each]))
  const declared = fleet.delegation?.agents ?? []
  const issues = open.toSorted(queueOrder).map(({ issue: { ref, title, assignees }, standing }): ListedIssue => {
    const own = live.get(ref)
    const agent = declared.find(({ login }) => assignees.some((other) => isSameLogin(other, login)))
    const delegation =
      own === undefined ? null : { agent: own.agent, login: own.login, state: own.state, deadline: own.deadline, since: own.created_at }
    return { issue: ref, title, standing, assignees, delegation, agent: agent?.name ?? null }
  })
  const agents = declared.map(({ name, login, lane, capacity }) => {
    return { agent: name, login, lane, assigned: issues.filter(({ agent }) => agent === name).length, capacity }
  })
  return { issues, agents, unread }
}
