/** Checks the logins of the agents: which need a person, and which are shared at a risk. */
import type { Login, SharedLogin } from '../core/login.ts'
import type { Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { Finding } from './findings.ts'
import { counted } from '../core/text.ts'
import { needsPerson, sharedLogins } from '../decide/logins.ts'
import { loginKinds, readLogins } from '../observe/logins.ts'

/** Returns findings about the logins on these machines. A machine that does not answer has none: other checks report it. */
export async function loginFindings(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  const read = await Promise.all(machines.map((machine) => readLogins(machine, session)))
  const kinds = loginKinds(session)
  const used = read.flatMap((found) => found?.logins ?? []).filter(({ workers }) => workers.length > 0)
  const lost = used.filter(needsPerson)
  const works = used.filter((login) => !needsPerson(login) && login.state !== 'none' && login.state !== 'unknown')
  return [
    ...(works.length === 0 ? [] : [okFinding(works)]),
    ...lost.map(({ id, state, workers, agent }): Finding => {
      const what = `${id} (${counted(workers.length, 'worker')}): the login ${state === 'refused' ? 'was refused' : 'has ended'}`
      return { level: 'fail', where: 'logins', what, remedy: kinds.get(agent)?.log_in ?? '' }
    }),
    ...sharedLogins(used, kinds).flatMap((shared) => riskFinding(shared)),
  ]
}

function okFinding(works: readonly Login[]): Finding {
  const names = [...Map.groupBy(works, ({ agent }) => agent)].map(([agent, some]) => `${some.length} of ${agent}`)
  return { level: 'ok', where: 'logins', what: `logins that need no person: ${names.join(', ')}`, remedy: '' }
}

function riskFinding({ logins, workers, risk }: SharedLogin): Finding[] {
  if (risk === null) return []
  const what = logins.length === 1 ? `${counted(workers.length, 'worker')} share ${logins[0]}` : `copies of one login: ${logins.join(', ')}`
  return [
    {
      level: 'warn',
      where: 'logins',
      what: `${what}: ${risk}`,
      remedy: 'log in once for each agent home, in a home of its own, so that no two share a login',
    },
  ]
}
