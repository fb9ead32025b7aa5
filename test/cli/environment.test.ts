/** The environment of a command: the XDG folders, and the variables that a scheduled run needs. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { burn, scratch } from '../support/fleet.ts'

const windows = [{ name: 'A', repos: ['app'], names: ['ANN'] }]
const machines = { box: { socket: 'burn-no-server', windows } }

/** Writes a spec to a file, with further keys. */
function writeSpec(file: string, dir: string, more: object = {}): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, JSON.stringify({ forge: { kind: 'folder', path: dir }, machines, ...more }))
}

function xdgHome(t: TestContext) {
  const dir = scratch(t)
  const [home, config, state] = [join(dir, 'home'), join(dir, 'config'), join(dir, 'state')]
  mkdirSync(home)
  // A long PATH would make a scheduled line longer than cron accepts.
  const env = { HOME: home, PATH: '/usr/bin:/bin', XDG_CONFIG_HOME: config, XDG_STATE_HOME: state }
  return { dir, home, config, state, env }
}

test('XDG folders: hold spec, token, ledger and log', async (t) => {
  const { dir, home, config, state, env } = xdgHome(t)
  writeSpec(join(config, 'burn-fleet/fleet-spec.json'), dir)
  assert.equal((await burn(['log'], env)).code, 0)
  assert.deepEqual([existsSync(join(state, 'burn-fleet/fleet.db')), existsSync(join(home, '.local'))], [true, false])
  const { log } = (await burn(['job', 'schedule', 'dispatch', '--json'], env)).json<{ log: string }>()
  assert.equal(log, join(state, 'burn-fleet/dispatch.log'))
  writeSpec(join(config, 'burn-fleet/fleet-spec.json'), dir, { forge: { kind: 'gitea', url: 'http://127.0.0.1:9', owner: 'me' } })
  assert.match((await burn(['doctor'], env)).out, new RegExp(`the token file ${config}/burn-fleet/token does not exist`))
})

test('XDG folders: burn keeps files below the home folder', async (t) => {
  const { dir, home, config, state, env } = xdgHome(t)
  writeSpec(join(home, '.config/burn-fleet/fleet-spec.json'), dir)
  assert.equal((await burn(['log'], { HOME: home, XDG_STATE_HOME: 'relative' })).code, 0)
  assert.ok(existsSync(join(home, '.local/state/burn-fleet/fleet.db')))
  // A second, empty ledger would give every issue again.
  assert.equal((await burn(['log'], env)).code, 0)
  assert.ok(!existsSync(state))
  cpSync(join(home, '.config/burn-fleet'), join(config, 'burn-fleet'), { recursive: true })
  cpSync(join(home, '.local/state/burn-fleet'), join(state, 'burn-fleet'), { recursive: true })
  assert.match((await burn(['doctor'], env)).out, new RegExp(`${state}/burn-fleet/fleet\\.db is intact`))
})

test('schedule: carries the variables that the run needs', async (t) => {
  const { dir, home, state, env } = xdgHome(t)
  const file = join(dir, 'fleet-spec.json')
  writeSpec(file, dir)
  const more = {
    TMUX_TMPDIR: '../run',
    NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
    https_proxy: 'http://proxy.test:3128',
    NO_PROXY: 'a.test',
    BURN_HERE: 'box',
    UNRELATED: 'x',
  }
  const { files, argv, warnings } = (await burn(['job', 'schedule', 'dispatch', '--json', '--spec', file], { ...env, ...more })).json<{
    files: Record<string, string>
    argv: string[]
    warnings: string[]
  }>()
  const command = files['crontab'] ?? ''
  for (const pair of [
    `TMUX_TMPDIR=${join(home, '../run')}`,
    'NODE_EXTRA_CA_CERTS=/etc/ca.pem',
    'https_proxy=http://proxy.test:3128',
    'NO_PROXY=a.test',
    `XDG_STATE_HOME=${state}`,
  ])
    assert.ok(command.includes(` ${pair} `), `${pair} in ${command}`)
  assert.doesNotMatch(command, /UNRELATED| HOME=|BURN_HERE/)
  assert.deepEqual(argv.slice(argv.indexOf('--here')), ['--here', 'box'])
  assert.deepEqual(warnings, [])
})

test('schedule: warns of secrets that come from the environment', async (t) => {
  const { dir, env } = xdgHome(t)
  const file = join(dir, 'fleet-spec.json')
  const forge = { kind: 'gitea', url: 'http://x.test', owner: 'me', token: { env: 'BURN_TOKEN' }, headers: { 'X-A': { env: 'ACCESS' } } }
  const sprint = { backends: [{ kind: 'runner', models: [{ model: 'm', url: 'http://m.test', key: { env: 'KEY' } }] }] }
  writeSpec(file, dir, { forge, sprint })
  const warned = async (what: string) => {
    const { err, out } = await burn(['job', 'schedule', what, '--spec', file], { ...env, HTTPS_PROXY: 'http://ada:hunter2@p.test:1' })
    assert.ok(!`${out}${err}`.includes('hunter2'))
    return err.split('\n').filter((line) => line.startsWith('warning: '))
  }
  const [proxy = '', token = '', header = '', key = ''] = await warned('sprint')
  assert.match(proxy, /HTTPS_PROXY contains a password/)
  assert.match(token, /forge\.token .* BURN_TOKEN, .*"file"/)
  assert.match(header, /forge\.headers\.X-A .* ACCESS,/)
  assert.match(key, /sprint\.backends\[0\]\.models\[0\]\.key .* KEY,/)
  assert.equal((await warned('dispatch')).length, 3)
})
