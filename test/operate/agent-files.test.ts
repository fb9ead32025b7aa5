/** The files that `burn christen` installs for agents, on a real tmux server. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { standIn, testFleet, until, type Fleet } from '../support/fleet.ts'

interface Status {
  readonly machines: readonly {
    readonly windows: readonly { readonly workers: readonly { readonly state: string; readonly evidence: string }[] }[]
  }[]
}

/** Makes a fleet of two stand-ins that imitate Hermes. The person has configured a model, a skill and a login. */
function fleet(t: Parameters<typeof testFleet>[0], config: string): Fleet {
  const made = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: standIn(dir, '--turn-ms', '1500'),
    machines: { box: { windows: [{ name: 'W', panes: 2, names: ['ANN', 'BEN'], repos: ['app'] }] } },
  }))
  mkdirSync(join(made.dir, 'home/.hermes/skills'), { recursive: true })
  mkdirSync(join(made.dir, 'issues/app'), { recursive: true })
  writeFileSync(join(made.dir, 'home/.hermes/config.yaml'), config)
  writeFileSync(join(made.dir, 'home/.hermes/auth.json'), '{"login":"hers"}')
  writeFileSync(join(made.dir, 'home/.hermes/.env'), 'KEY=1\n')
  return made
}

test('christen: each Hermes gets its own home with hooks', async (t) => {
  const config = 'model:\n  default: m # the good one\n  api_key: ${KEY}\n'
  const { dir, burn, received } = fleet(t, config)
  await burn('up')
  assert.equal((await burn('christen')).code, 0)
  const root = join(dir, 'home/.hermes')
  const home = join(root, 'profiles/burn-f-w-ann')
  const written = JSON.parse(readFileSync(join(home, 'config.yaml'), 'utf8')) as Record<string, unknown>
  assert.deepEqual(written['model'], { default: 'm', api_key: '${KEY}' })
  assert.deepEqual(written['display'], { busy_input_mode: 'queue', interface: 'cli', language: 'en', skin: 'default' })
  assert.equal(statSync(join(home, 'config.yaml')).mode & 0o777, 0o600)
  assert.equal(readlinkSync(join(home, 'skills')), join(root, 'skills'))
  assert.ok(lstatSync(join(home, '.env')).isSymbolicLink(), 'linked, not copied')
  assert.ok(!existsSync(join(home, 'auth.json')), "Hermes reads and renews the person's file")
  assert.equal(readFileSync(join(root, 'config.yaml'), 'utf8'), config)
  assert.equal(received().length, 2)
  const started = (await burn('ledger', 'export')).out.split('\n').flatMap((line) => /"started_with":"(.*?[^\\])"/.exec(line)?.[1] ?? [])
  assert.equal(started.length, 2)
  for (const each of started) assert.match(each, /agent\.mjs.*environment.*[0-9a-f]{64}.*identity.*[0-9a-f]{64}/)
  const state = join(dir, 'home/.local/state/burn-fleet/f/box')
  assert.equal(statSync(join(state, 'hook')).mode & 0o777, 0o700)
  assert.equal(statSync(join(state, 'hooks')).mode & 0o777, 0o700)
  // doctor counts a line that no hook wrote, and a file of a pane that is gone.
  writeFileSync(join(state, 'hooks/999.jsonl'), 'what is this\n')
  const doctor = (await burn('doctor')).out
  assert.match(doctor, /1 of \d+ hook events dropped/)
  assert.match(doctor, /1 file in .*hooks belongs to no pane of this fleet\. burn ignores it/)
  // The evidence has both sources: the screen and the agent's hook.
  let evidence: string[] = []
  await until('the hooks report the ends of the turns', async () => {
    const all = (await burn('status', '--json')).json<Status>().machines[0]!.windows[0]!.workers
    evidence = all.map(({ state: seen, evidence: why }) => `${seen}: ${why}`)
    return evidence.every((each) => /^idle: .*hook (?:on_session_end|post_llm_call) \d+ s ago$/.test(each))
  })
})

test('christen: Hermes starts without hooks if its configuration has a secret', async (t) => {
  const { dir, burn } = fleet(t, 'model: { default: m, api_key: sk-very-secret }\n')
  await burn('up')
  const { code, err } = await burn('christen')
  assert.equal(code, 0)
  assert.match(err, /without hooks: .*model\.api_key/)
  assert.ok(!err.includes('sk-very-secret'))
  assert.ok(!existsSync(join(dir, 'home/.hermes/profiles')))
  const { out } = await burn('doctor')
  assert.match(out, /2 agents run without hooks, so burn reads only the screens \(.*model\.api_key/)
})

test('christen: agents start even if no file can be installed', async (t) => {
  const { dir, burn } = fleet(t, 'model: { default: m }\n')
  mkdirSync(join(dir, 'home/.local/state/burn-fleet/f'), { recursive: true })
  writeFileSync(join(dir, 'home/.local/state/burn-fleet/f/box'), 'in the way')
  await burn('up')
  const { code, err } = await burn('christen')
  assert.equal(code, 0, err)
  assert.match(err, /without hooks: .*could not read or write its files/)
})

test('christen: --no-hooks installs no files', async (t) => {
  const { dir, burn } = fleet(t, 'model: { default: m }\n')
  await burn('up')
  assert.equal((await burn('christen', '--no-hooks')).code, 0)
  assert.ok(!existsSync(join(dir, 'home/.local')))
  assert.ok(!existsSync(join(dir, 'home/.hermes/profiles')))
})
