/** Fleets whose agents are the real Hermes, for the checks of its logins. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Login } from '../../src/core/login.ts'
import type { Portal } from './portal.ts'
import { burnProcess, type Ran } from '../support/fleet.ts'
import { writeLogins } from '../support/logins.ts'

/** A fleet of one machine for each home directory. */
export interface LoginFleet {
  readonly homes: readonly string[]
  burn(...words: readonly string[]): Promise<Ran>
  /** Starts Hermes itself, as an agent or a person does. */
  hermes(home: string, ...words: readonly string[]): Promise<string>
  /** Writes the login of the root home. */
  logIn(home: string, nous: object): void
  logins(): Promise<readonly Login[]>
  /** Returns everything that burn printed or stored. */
  everything(): string
}

/** Creates a fleet below `root`. The transport sets HOME, so each home directory is a machine of its own. */
export function loginFleet(root: string, program: string, portal: Portal, names: readonly string[] = ['box']): LoginFleet {
  rmSync(root, { recursive: true, force: true })
  const file = join(root, 'fleet-spec.json')
  const homes = names.map((name) => join(root, 'homes', name))
  const env = { HERMES_PORTAL_BASE_URL: portal.url, NOUS_INFERENCE_BASE_URL: portal.url }
  const machines = names.map((name, index) => [
    name,
    {
      exec: ['env', `HOME=${homes[index]}`],
      windows: [{ name: 'W', panes: 2, repos: ['app'], agent: { kind: 'hermes', command: [program, 'chat'], env } }],
    },
  ])
  for (const home of homes) mkdirSync(join(home, '.hermes'), { recursive: true })
  const forge = { kind: 'folder', path: root, owner: 'me' }
  const spec = {
    name: 'f',
    socket: `burn-login-${process.pid}`,
    ledger: `sqlite:${root}/l.db`,
    forge,
    machines: Object.fromEntries(machines),
  }
  writeLogins(root, { 'fleet-spec.json': spec })
  const printed: string[] = []
  const fleet: LoginFleet = {
    homes,
    async burn(...words) {
      const ran = await burnProcess(words, { BURN_SPEC: file, HOME: root, SHELL: '/bin/sh' })
      printed.push(ran.out, ran.err)
      return ran
    },
    hermes: (home, ...words) =>
      new Promise((done) => {
        const options = { env: { ...env, HOME: home, PATH: process.env['PATH'] ?? '' } }
        execFile(program, words, options, (_, out, err) => done(out + err))
      }),
    logIn: (home, nous) =>
      writeLogins(home, { '.hermes/auth.json': { version: 1, providers: { nous }, active_provider: 'nous', credential_pool: {} } }),
    async logins() {
      return (await fleet.burn('login', 'status', '--json'))
        .json<{ logins: Login[] }>()
        .logins.map((login) => ({ ...login, ends_at: login.ends_at === null ? null : Date.parse(String(login.ends_at)) }))
    },
    everything() {
      const files = existsSync(root) ? readdirSync(root).filter((name) => statSync(join(root, name)).isFile()) : []
      return [...printed, ...files.map((name) => readFileSync(join(root, name), 'latin1'))].join('\n')
    },
  }
  return fleet
}
