/** Checks of burn's renewal of logins with the real Hermes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Login } from '../../src/core/login.ts'
import type { Portal } from './portal.ts'
import type { LoginFleet } from './fleet.ts'
import { writeLogins } from '../support/logins.ts'

/** What a check needs. */
export interface Given {
  readonly portal: Portal
  /** Creates a new fleet with these machines. */
  readonly fleetOf: (...machines: readonly string[]) => LoginFleet
  /** Records whether a statement is true. */
  readonly expect: (holds: boolean, what: string) => void
}

const stateIn = (logins: readonly Login[]) => logins.map(({ state }) => state).join()

/** Resets the portal: it renews logins, and has seen no request. */
function reset(portal: Portal): void {
  portal.answer = 'renew'
  portal.delay = 50
  portal.requests.length = 0
}

async function renewal({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  fleet.logIn(fleet.homes[0]!, portal.login(3 * 3600))
  const early = await fleet.burn('login', 'refresh')
  expect(portal.requests.length === 0 && /not due$/m.test(early.out), `3 hours left: ${early.out.trim()}`)
  fleet.logIn(fleet.homes[0]!, portal.login(100))
  expect(stateIn(await fleet.logins()) === 'due', '100 seconds left: due')
  const ran = await fleet.burn('login', 'refresh')
  expect(
    ran.code === 0 && portal.requests.join() === 'renewed',
    `renewed with ${portal.requests.length} request: ${ran.out.trim()} ${ran.err}`,
  )
  const [login] = await fleet.logins()
  expect(login?.state === 'valid' && (login.ends_at ?? 0) > Date.now() + 3_000_000, `the login is valid until ${login?.ends_at}`)
  expect(login?.workers.length === 2, `${login?.workers.length} workers use it`)
}

async function fiveAtOnce({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  const home = fleet.homes[0]!
  fleet.logIn(home, portal.login(-60))
  portal.delay = 1_000
  const shared = await Promise.all(Array.from({ length: 5 }, () => fleet.burn('job', 'run', 'login-refresh')))
  const ran = shared.filter(({ out }) => /1 of 1 attempt renewed/.test(out)).length
  expect(
    portal.requests.join() === 'renewed' && ran === 1,
    `five burn processes: ${ran} ran the command, ${portal.requests.length} request`,
  )
  reset(portal)
  portal.delay = 1_000
  const other = fleetOf('box')
  other.logIn(other.homes[0]!, portal.login(-60))
  const agents = Array.from({ length: 4 }, () => other.hermes(other.homes[0]!, 'auth', 'status', 'nous'))
  const [burned, ...seen] = await Promise.all([other.burn('login', 'refresh'), ...agents])
  const logged = seen.filter((out) => out.includes('nous: logged in')).length
  expect(portal.requests.join() === 'renewed', `burn and four agents: ${portal.requests.length} request`)
  expect(logged === 4 && burned.code === 0, `${logged} of 4 agents are logged in; burn: ${burned.out.trim()}`)
}

async function unavailable({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  fleet.logIn(fleet.homes[0]!, portal.login(-60))
  portal.answer = 'unavailable'
  const ran = await fleet.burn('login', 'refresh')
  const tried = Date.now()
  expect(ran.code === 1 && /not renewed, but the login is still there/.test(ran.out), `503: ${ran.out.trim()}`)
  expect(stateIn(await fleet.logins()) === 'expired', '503: the tokens are still there')
  const asked = portal.requests.length
  const early = await fleet.burn('login', 'refresh')
  expect(portal.requests.length === asked && /tries again in/.test(early.out), `within a minute: no request (${early.out.trim()})`)
  portal.answer = 'renew'
  await sleep(Math.max(0, tried + 61_000 - Date.now()))
  const later = await fleet.burn('login', 'refresh')
  expect(later.code === 0 && portal.requests.at(-1) === 'renewed', `after a minute: ${later.out.trim()}`)
}

async function refused({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  fleet.logIn(fleet.homes[0]!, portal.login(-60))
  portal.answer = 'invalid_grant'
  const ran = await fleet.burn('login', 'refresh')
  expect(ran.code === 1 && /refused: a person must log in again/.test(ran.out), `invalid_grant: ${ran.out.trim()}`)
  portal.answer = 'renew'
  for (let turn = 0; turn < 3; turn++) await fleet.burn('job', 'run', 'login-refresh')
  expect(portal.requests.join() === 'invalid_grant', `no request after the refusal (${portal.requests.length} in all)`)
  expect(stateIn(await fleet.logins()) === 'refused', 'the login needs a person')
  const log = (await fleet.burn('log', '--kind', 'login.*')).out
  expect(/login\.ended/.test(log) && /hermes auth add nous/.test(log), 'the log names the remedy')
  fleet.logIn(fleet.homes[0]!, portal.login(3600))
  await fleet.burn('job', 'run', 'login-refresh')
  expect(/login\.restored/.test((await fleet.burn('log', '--kind', 'login.*')).out), 'after a person has logged in: restored')
}

async function profiles({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  const home = fleet.homes[0]!
  // A profile whose own token has ended, and newer tokens in `shared`: Hermes takes them over without a request.
  const stale = portal.login(-60)
  const fresh = portal.login(3600)
  fleet.logIn(home, stale)
  writeLogins(home, {
    '.hermes/profiles/coder/auth.json': { version: 1, providers: { nous: stale } },
    '.hermes/shared/nous_auth.json': { _schema: 1, ...fresh },
  })
  expect(stateIn(await fleet.logins()) === 'valid,valid', `newer tokens in shared: ${stateIn(await fleet.logins())}`)
  await fleet.burn('login', 'refresh')
  expect(portal.requests.length === 0, 'burn sees no need to renew them')
  const status = await fleet.hermes(home, '-p', 'coder', 'auth', 'status', 'nous')
  expect(status.includes('nous: logged in') && portal.requests.length === 0, `Hermes needs no request either: ${status.trim()}`)
}

async function halfWritten({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('box')
  const home = fleet.homes[0]!
  fleet.logIn(home, portal.login(-60))
  const path = join(home, '.hermes/auth.json')
  const whole = readFileSync(path, 'utf8')
  writeLogins(home, { '.hermes/auth.json': whole.slice(0, Math.floor(whole.length / 2)) })
  const ran = await fleet.burn('login', 'refresh')
  expect(portal.requests.length === 0 && /does not know the state/.test(ran.out), `half-written auth.json: ${ran.out.trim()}`)
  writeLogins(home, { '.hermes/auth.json': whole })
  expect((await fleet.burn('login', 'refresh')).code === 0 && portal.requests.join() === 'renewed', 'the whole file: renewed')
}

async function copies({ portal, fleetOf, expect }: Given): Promise<void> {
  const fleet = fleetOf('one', 'two')
  const [one = '', two = ''] = fleet.homes
  const login = portal.login(-60)
  for (const home of [one, two]) fleet.logIn(home, login)
  const status = await fleet.burn('login', 'status')
  expect(/these files have copies of one login: one .*, two /.test(status.out), 'burn login status names the copies')
  for (let turn = 0; turn < 3; turn++) await fleet.burn('login', 'refresh')
  expect(portal.requests.length === 0, `copies on two machines: ${portal.requests.join() || 'no request'}`)
  expect(stateIn(await fleet.logins()) === 'expired,expired', 'both copies are still there')
  // An agent renews one of the copies, so the token of the other one is spent.
  await fleet.hermes(one, 'auth', 'status', 'nous')
  for (let turn = 0; turn < 3; turn++) await fleet.burn('login', 'refresh')
  expect(portal.requests.join() === 'renewed', `after an agent renewed one of them: ${portal.requests.join()}`)
  expect(stateIn(await fleet.logins()) === 'valid,expired', `burn does not use the spent token: ${stateIn(await fleet.logins())}`)
}

/** The checks, by name. */
export const checks: Readonly<Record<string, (given: Given) => Promise<void>>> = {
  renewal,
  'five at once': fiveAtOnce,
  'portal unavailable': unavailable,
  invalid_grant: refused,
  profiles,
  'half-written': halfWritten,
  copies,
}
