/** Reads the people and the teams of an organisation that may write to a repo of Gitea or Forgejo. */
import type { RepoRef } from '../core/nouns.ts'
import type { RepoTeam } from '../core/ports.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { nullOnCode, type Api } from './api.ts'
import { readAssignable } from './gitea-assignees.ts'
import { arrayOf } from './gitea-objects.ts'
import { repoPath } from './refs.ts'

const writeModes: ReadonlySet<unknown> = new Set(['write', 'admin', 'owner'])

/**
 * Returns the logins that may write to a repo. `/assignees` lists owners, collaborators and members of teams. In an organisation, this
 * includes members of teams that may only read. burn can read the permission of each login only if the token's account administers the
 * repo; otherwise all listed logins count as writers. If the caller passes the `known` writers, returns those that `/assignees` still
 * lists, and sends no other request.
 */
export async function readWriters(api: Api, repo: RepoRef, known?: readonly string[]): Promise<readonly string[]> {
  const logins = await readAssignable(api, repo)
  if (known !== undefined) return known.filter((login) => logins.includes(login))
  const writers: string[] = []
  for (const login of logins) {
    const answer = await nullOnCode('forge_forbidden', api.get(`${repoPath(repo)}/collaborators/${encodeURIComponent(login)}/permission`))
    if (answer === null) return logins
    const { permission } = membersOf(answer.json)
    if (writeModes.has(permission)) writers.push(login)
  }
  return writers
}

/**
 * Returns the teams with access to a repo; an empty list if no organisation owns the repo, null if the token may not see the teams. For
 * each member, the forge reports the `permission` of the team, but `units_map` decides whether the member may push.
 */
export async function readTeams(api: Api, repo: RepoRef): Promise<readonly RepoTeam[] | null> {
  try {
    // If no organisation owns the repo, the forge answers with 405.
    const listed = await nullOnCode('forge_refused', api.get(`${repoPath(repo)}/teams`))
    if (listed === null) return []
    const { permissions } = membersOf((await api.get(repoPath(repo))).json)
    const seesPermissions = membersOf(permissions)['admin'] === true
    return arrayOf(listed.json).map((team): RepoTeam => {
      const { name, permission, units_map } = membersOf(team)
      const may_push = writeModes.has(permission) || writeModes.has(membersOf(units_map)['repo.code'])
      return { name: stringOf(name) ?? '?', may_push, counted: !seesPermissions || writeModes.has(permission) }
    })
  } catch (thrown) {
    if (thrown instanceof BurnError && (thrown.code === 'forge_forbidden' || thrown.code === 'forge_not_found')) return null
    throw thrown
  }
}
