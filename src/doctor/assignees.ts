/** Checks whether the forge lets issues be assigned to the logins of delegation agents. */
import type { RepoRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { Finding } from './findings.ts'
import { isSameLogin } from '../core/assignees.ts'

/** Returns a finding for each agent of a repo whose login is no possible assignee. Makes one request. Throws BurnError `forge_*`. */
export async function assigneeFindings(repo: RepoRef, { forge, fleet }: Pick<Session, 'forge' | 'fleet'>): Promise<Finding[]> {
  const agents = fleet.delegation?.agents.filter(({ repos, capacity }) => capacity > 0 && repos.includes(repo)) ?? []
  const allowed = agents.length === 0 ? null : await forge.assignable(repo)
  if (allowed === null) return []
  const refused = agents.filter(({ login }) => !allowed.some((other) => isSameLogin(other, login)))
  return refused.map(({ login }) => ({
    level: 'warn',
    where: 'forge',
    what: `the forge does not let ${login} be assigned to issues of ${repo}`,
    remedy: `correct the login in "delegation", or give the account access to ${repo}`,
  }))
}
