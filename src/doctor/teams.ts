/** Checks the teams of an organisation: burn should count the members of a team as writers of a repo only if the team has write access. */
import type { RepoRef } from '../core/nouns.ts'
import type { Forge, RepoTeam } from '../core/ports.ts'
import type { Finding, Level } from './findings.ts'
import { codedMessageOf } from '../core/errors.ts'

/**
 * Returns findings about three groups of teams: read-only teams that burn counts as writers, teams with write access that burn does not
 * count, and read-only teams that burn does not count.
 */
export async function teamFindings(repo: RepoRef, forge: Pick<Forge, 'teams'>): Promise<Finding[]> {
  const finding = (level: Level, what: string, remedy: string): Finding => ({ level, where: 'forge', what, remedy })
  const trust = 'list the trusted people in dispatch.trust.authors'
  const administer = `make the token's account an administrator of ${repo}, or ${trust}`
  let teams: readonly RepoTeam[] | null
  try {
    teams = await forge.teams(repo)
  } catch (thrown) {
    return [finding('warn', `burn could not read the teams of ${repo}: ${codedMessageOf(thrown)}`, administer)]
  }
  if (teams === null)
    return [
      finding('warn', `the token may not see the teams of ${repo}, so burn may count people with only read access as writers`, administer),
    ]
  const named = (wanted: (team: RepoTeam) => boolean) =>
    teams
      .filter(wanted)
      .map(({ name }) => name)
      .join(', ')
  const findings: readonly (readonly [string, (names: string) => Finding])[] = [
    [
      named(({ may_push, counted }) => !may_push && counted),
      (names) =>
        finding(
          'warn',
          `burn counts members of these read-only teams as writers, because the token has no admin rights for ${repo}: ${names}`,
          administer,
        ),
    ],
    [
      named(({ may_push, counted }) => may_push && !counted),
      (names) =>
        finding(
          'warn',
          `burn does not count members of these teams as writers: the teams may push to ${repo}, but the forge does not report that their members have write access: ${names}`,
          `give these teams write access to all units of the repo, or ${trust}`,
        ),
    ],
    [
      named(({ may_push, counted }) => !may_push && !counted),
      (names) => finding('ok', `burn does not count members of these read-only teams of ${repo} as writers: ${names}`, ''),
    ],
  ]
  return findings.flatMap(([names, found]) => (names === '' ? [] : [found(names)]))
}
