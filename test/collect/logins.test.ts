/** `burn login` and the job `login-refresh`, with a program that imitates `hermes auth status nous`. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Login } from '../../src/core/login.ts'
import { testFleet, type Ran } from '../support/fleet.ts'
import { hermesAuth, loginFiles, quarantined, writeLogins } from '../support/logins.ts'

const hour = 3_600_000

/** Imitates Hermes: replaces the login by `next.json`, if there is one, and prints a token. Its exit code is always 0, as that of Hermes. */
const imitation = `#!/bin/sh
echo "$*" >>"$HERMES_HOME/calls"
echo 'nous: canary-output'; echo 'canary-error' >&2
[ ! -e "$HERMES_HOME/next.json" ] || mv "$HERMES_HOME/next.json" "$HERMES_HOME/auth.json"
`

function loginFleet(t: TestContext) {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    notify: {
      channels: { out: { kind: 'command', command: ['sh', '-c', `cat >>${dir}/messages`] } },
      rules: [{ kinds: ['login.*'], channels: ['out'] }],
    },
    machines: {
      box: {
        exec: ['env', `HOME=${dir}/home`],
        windows: [
          { name: 'H', names: ['A', 'B'], repos: ['app'], agent: { kind: 'hermes', command: [join(dir, 'bin/hermes'), 'chat'] } },
          { name: 'C', names: ['D', 'E'], repos: ['app'], agent: { kind: 'claude' } },
        ],
      },
    },
  }))
  const home = join(fleet.dir, 'home')
  mkdirSync(join(fleet.dir, 'bin'))
  writeFileSync(join(fleet.dir, 'bin/hermes'), imitation)
  chmodSync(join(fleet.dir, 'bin/hermes'), 0o755)
  const printed: string[] = []
  const burn = async (...words: string[]): Promise<Ran> => {
    const ran = await fleet.burn(...words)
    printed.push(ran.out, ran.err)
    return ran
  }
  const calls = () => (existsSync(join(home, '.hermes/calls')) ? readFileSync(join(home, '.hermes/calls'), 'utf8').trim().split('\n') : [])
  return { ...fleet, home, burn, printed, calls }
}

/** Returns everything that burn printed, stored or sent. */
function everything({ dir, printed }: ReturnType<typeof loginFleet>): string {
  const stored = readdirSync(dir, { withFileTypes: true }).filter((each) => each.isFile() && each.name !== 'fleet-spec.json')
  return [...printed, ...stored.map(({ name }) => readFileSync(join(dir, name), 'latin1'))].join('\n')
}

test('logins: renews a due login and shows no token', async (t) => {
  const fleet = loginFleet(t)
  const files = loginFiles(Date.now() + hour)
  const due = hermesAuth(Date.now() + 60_000)
  writeLogins(fleet.home, { '.hermes/auth.json': due, '.claude/.credentials.json': files['.claude/.credentials.json'] ?? '' })

  const status = await fleet.burn('login', 'status')
  assert.equal(status.code, 0, status.err)
  assert.match(status.out, /^box +hermes +due +in \S+ +burn +2 +nous ~\/\.hermes\/auth\.json$/m)
  assert.match(status.out, /^box\/C\/D, box\/C\/E share box ~\/\.claude\/\.credentials\.json anthropic\. Risk: /m)

  const planned = await fleet.burn('login', 'refresh', '--dry-run')
  assert.match(planned.out, /^box ~\/\.hermes\/auth\.json nous: due, in \S+: burn would run the command$/m)
  assert.deepEqual(fleet.calls(), [])

  writeLogins(fleet.home, { '.hermes/next.json': hermesAuth(Date.now() + 2 * hour) })
  assert.deepEqual((await fleet.burn('job', 'run', 'login-refresh', '--json')).json<{ results: string[] }>().results, [
    'login-refresh box: 2 logins, 1 of 1 attempt renewed a login',
  ])
  assert.deepEqual(fleet.calls(), ['auth status nous'])

  // The next attempt within a minute waits, even if a person asks for it.
  writeLogins(fleet.home, { '.hermes/auth.json': due, '.hermes/next.json': hermesAuth(0, quarantined) })
  const early = await fleet.burn('login', 'refresh')
  assert.deepEqual([early.code, fleet.calls().length], [1, 1])
  assert.match(early.out, /burn tries again in \S+$/m)
  assert.equal((await fleet.burn('log', '--json')).out.match(/"login\.tried"/g)?.length, 1)
  await fleet.burn('job', 'run', 'notify')
  assert.ok(!everything(fleet).includes('canary'))
})

test('logins: a refusal stops all attempts and sends a message', async (t) => {
  const fleet = loginFleet(t)
  writeLogins(fleet.home, {
    '.hermes/auth.json': hermesAuth(Date.now() - hour),
    '.hermes/next.json': hermesAuth(0, quarantined),
    '.claude/.credentials.json': loginFiles(Date.now() + hour)['.claude/.credentials.json'] ?? '',
  })
  await fleet.burn('job', 'run', 'notify')
  const refused = await fleet.burn('login', 'refresh')
  assert.deepEqual([refused.code, fleet.calls().length], [1, 1])
  assert.match(refused.out, /^box ~\/\.hermes\/auth\.json nous: refused: a person must log in again$/m)
  await fleet.burn('job', 'run', 'login-refresh')
  await fleet.burn('job', 'run', 'notify')
  assert.equal(fleet.calls().length, 1)
  assert.match(readFileSync(join(fleet.dir, 'messages'), 'utf8'), /the login of 2 workers needs a person: run hermes auth add nous/)
  const status = await fleet.burn('login', 'status', '--json')
  const [login] = status.json<{ logins: (Login & { needs_person: boolean })[] }>().logins
  assert.deepEqual([status.code, login?.state, login?.needs_person], [3, 'refused', true])
  const { needs_you } = (await fleet.burn('status', '--json')).json<{ needs_you: readonly { kind: string; text: string }[] }>()
  assert.deepEqual(
    needs_you.filter(({ kind }) => kind === 'login').map(({ text }) => text),
    ['the login of 2 workers has ended'],
  )

  const { findings } = (await fleet.burn('doctor', '--json')).json<{ findings: { level: string; where: string; what: string }[] }>()
  assert.deepEqual(
    findings.filter(({ where }) => where === 'logins').map(({ level, what }) => [level, what.slice(0, 70)]),
    [
      ['ok', 'logins that need no person: 1 of claude'],
      ['fail', 'box ~/.hermes/auth.json nous (2 workers): the login was refused'],
      ['warn', '2 workers share box ~/.claude/.credentials.json anthropic: sessions th'],
    ],
  )

  // burn never runs the command for a file that it cannot read.
  writeLogins(fleet.home, { '.hermes/auth.json': JSON.stringify(hermesAuth(Date.now() - hour)).slice(0, 400) })
  await fleet.burn('login', 'refresh')
  rmSync(join(fleet.home, '.hermes/auth.json'))
  assert.match((await fleet.burn('login', 'refresh')).out, /^(?!.*hermes)/m)
  assert.equal(fleet.calls().length, 1)
  assert.ok(!everything(fleet).includes('canary'))
})
