/**
 * `npm run test:drift [hermes|claude]` checks that burn finds each state of drift in the real Hermes and Claude Code, on a model server on
 * loopback. After each change of a model it runs the jobs `usage` and `watchdog` once, as one cycle of a dispatcher does. It installs the
 * programs as `npm run test:agents` does, and is not a part of `npm test`. The exit code is 1 if a state was not found.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { DriftState } from '../../src/core/drift.ts'
import { messageOf } from '../../src/core/errors.ts'
import { table } from '../../src/cli/table.ts'
import { burn, until, type Ran } from '../support/fleet.ts'
import { endServer, tmuxOn } from '../support/tmux.ts'
import { install } from '../real-agents/install.ts'
import { startModel, type ModelServer } from '../real-agents/model.ts'
import { binOf, offline, programs, writeHome, type Program } from '../real-agents/programs.ts'

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'burn-fleet/agents')

interface Row {
  readonly worker: string
  readonly step: string
  readonly wanted: string
  readonly found: string
  readonly text: string
}

/** A fleet of one real agent, ANN, and the steps that change its model. */
class Rig {
  readonly rows: Row[] = []
  readonly root = mkdtempSync(join(cache, 'drift-'))
  readonly home = join(this.root, 'home')
  readonly dir = join(this.home, 'work/ANN')
  readonly socket = `burn-drift-${process.pid}`
  readonly model: ModelServer
  readonly program: Program
  #agent: object = {}

  constructor(program: Program, model: ModelServer) {
    this.program = program
    this.model = model
    mkdirSync(join(this.root, 'forge/issues/app'), { recursive: true })
    execFileSync('git', ['init', '-q', this.dir])
  }

  burn(...words: readonly string[]): Promise<Ran> {
    return burn(words, { BURN_SPEC: join(this.root, 'fleet-spec.json'), HOME: this.home })
  }

  /** Writes the spec. `agent`: settings of the agent in addition to those that reach the model server. */
  spec(agent: object, drift: object = {}): void {
    const { args, env, files } = this.program.setting(this.model.url, this.home, [this.dir])
    const own = { command: [binOf(this.program, cache), ...args], env: { ...offline, ...env, HOME: this.home } }
    this.#agent = { kind: this.program.kind, ...own, ...agent }
    const spec = {
      name: 'real',
      session: 'R',
      socket: this.socket,
      ledger: `sqlite:${this.root}/l.db`,
      forge: { kind: 'folder', path: join(this.root, 'forge'), owner: 'real' },
      drift,
      machines: {
        box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'], workers: { ANN: { dir: this.dir, agent: this.#agent } } }] },
      },
    }
    if (this.rows.length === 0) writeHome(this.home, { args, env, files })
    writeFileSync(join(this.root, 'fleet-spec.json'), JSON.stringify(spec))
  }

  /** Writes a file below the home of the person. */
  write(name: string, content: object): void {
    writeHome(this.home, { args: [], env: {}, files: { [name]: content } })
  }

  /** Runs one cycle's jobs, and records whether they found the state. */
  async find(step: string, wanted: DriftState): Promise<void> {
    const usage = await this.burn('job', 'run', 'usage')
    const watchdog = await this.burn('job', 'run', 'watchdog')
    const report = (await this.burn('model', 'drift', '--json')).json<{
      workers: { state: string; text: string; used: { source: string } }[]
    }>()
    const [found] = report.workers
    // The span of the watchdog, which knows the configuration of the agent, shows the state in `burn status`.
    const line = `${found?.text ?? ''} (${found?.used.source ?? 'no evidence'})`
    this.rows.push({ worker: this.program.packaged, step, wanted, found: found?.state ?? usage.err + watchdog.err, text: line })
    console.error(`${found?.state === wanted ? 'found' : 'WRONG'}: ${step}: ${found?.state}, ${line}`)
  }

  /** Sends a text, and waits until the agent has answered it. */
  async turn(text: string): Promise<void> {
    const sent = await this.burn('send', 'ANN', text, '--wait', '60', '--json')
    if (sent.code !== 0) console.error(`${text}: ${sent.out}${sent.err}`)
    await until('the text reached the model', () => this.model.asked.some(({ body }) => body.includes(text)))
    await this.idle()
  }

  /** Waits until the agent is idle, or until its turn failed. */
  async idle(): Promise<void> {
    const state = async () =>
      (await this.burn('status', '--json')).json<{ machines: { windows: { workers: { state: string }[] }[] }[] }>().machines[0]?.windows[0]
        ?.workers[0]?.state
    const isIdle = async () => ['idle', 'error'].includes((await state()) ?? '')
    // Between two attempts at a request, an agent may look idle for a moment.
    await until('the agent is idle', async () => (await isIdle()) && (await pause(1_500), await isIdle()), 90_000)
  }

  /** Types into the pane, as a person does. */
  type(...keys: readonly string[]): void {
    for (const key of keys) tmuxOn(this.socket, 'send-keys', '-t', '=R:', ...(key === 'Enter' ? [key] : ['-l', key]))
  }

  /** Ends the agent, and starts a new one with the present spec. */
  async fresh(): Promise<void> {
    await this.burn('down', '--yes', '--force')
    // The agent may need some seconds to end after its server has.
    await until(
      'a new agent runs',
      async () => (await this.burn('up')).code === 0 && /(?:named|unproven) {2}/.test((await this.burn('christen')).out),
    )
    await this.idle().catch((thrown: unknown) => console.error(messageOf(thrown)))
  }

  close(): void {
    endServer(this.socket)
    rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 })
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

async function hermes(rig: Rig): Promise<void> {
  const config = (model: string, more: object = {}) => {
    const server = { provider: 'custom', base_url: `${rig.model.url}/v1`, api_key: '${STUB_KEY}', context_length: 131_072 }
    const telemetry = { shared_metrics: { enabled: false, send: false, offer_version: 2 } }
    const fallback_providers = [{ provider: 'custom', model: 'spare', base_url: server.base_url, api_key: server.api_key }]
    rig.write('.hermes/config.yaml', { model: { default: model, ...server }, fallback_providers, telemetry, ...more })
  }
  rig.spec({})
  config('alpha')
  for (const name of ['alpha', 'spare']) rig.model.down.add(name)
  await rig.fresh()
  await rig.find('no request succeeded', 'unknown')
  rig.model.down.clear()
  await rig.fresh()
  await rig.turn('Say hello.')
  await rig.find('the configuration names alpha', 'ok')
  rig.type('/model beta --session', 'Enter')
  await pause(3_000)
  await rig.turn('Say hello again.')
  await rig.find('a person switched to beta', 'wrong_model')
  const mended = await rig.burn('model', 'drift', 'ANN', '--mend')
  await rig.find(`burn model drift --mend: ${mended.out.split('\n')[0]}`, 'ok')
  await rig.turn('Say hello after the command.')
  await rig.find('the next request after the command', 'ok')
  rig.model.down.add('alpha')
  await rig.turn('Say hello with the spare model.')
  await rig.find('alpha fails, spare answers', 'fallback')
  rig.model.down.clear()
  await pause(1_000)
  await rig.turn('Say hello with the first model.')
  await rig.find('alpha answers again', 'ok')
  rig.model.answers_as = () => 'other'
  await rig.turn('Say hello from another model.')
  await rig.find('the server answers as another model, which Hermes does not record', 'ok')
  rig.model.answers_as = null
  config('gamma')
  await rig.find('the configuration now names gamma', 'wrong_model')
  config('alpha')
  rig.spec({ env: { EXTRA: '1' } })
  await rig.find('the environment in the spec changed', 'outdated')
  rig.spec({ hooks: false })
  await rig.fresh()
  await rig.turn('Say hello in the root profile.')
  rig.spec({})
  await rig.find('the agent works in the default profile', 'wrong_profile')
}

async function claude(rig: Rig): Promise<void> {
  const small = { model: 'claude-sonnet-4-5' }
  rig.model.answers_as = (asked) => asked
  rig.spec(small)
  rig.model.down.add('claude-sonnet-4-5')
  await rig.fresh()
  await rig.find('no request succeeded', 'ok')
  rig.model.down.clear()
  await rig.turn('Say hello.')
  await rig.find('the spec names claude-sonnet-4-5', 'ok')
  rig.model.answers_as = (asked) => `${asked}-20250929`
  await rig.turn('Say hello with a date.')
  await rig.find('the answer names a version of the model', 'ok')
  rig.model.answers_as = () => 'claude-haiku-4-5'
  await rig.turn('Say hello from another model.')
  await rig.find('the server answers as another model', 'wrong_model')
  rig.model.answers_as = (asked) => asked
  await rig.turn('Say hello from the first model.')
  await rig.find('the server answers as asked', 'ok')
  rig.type('/model claude-opus-4-6', 'Enter')
  await pause(2_000)
  rig.type('1')
  await pause(2_000)
  await rig.turn('Say hello from opus.')
  await rig.find('a person switched to claude-opus-4-6', 'wrong_model')
  rig.spec({ model: 'opus' })
  await rig.find('the spec names the alias opus', 'ok')
  rig.spec({ model: 'opus', command: [binOf(rig.program, cache), '--verbose'] })
  await rig.find('the command in the spec changed', 'outdated')
  rig.spec({})
  rig.write('.claude/settings.json', { model: 'haiku' })
  await rig.find('the settings of Claude Code name haiku', 'wrong_model')
  rig.spec({ ...small, command: [binOf(rig.program, cache), '--fallback-model', 'claude-haiku-4-5'] })
  await rig.fresh()
  await rig.turn('Say hello before the failure.')
  rig.model.down.add('claude-sonnet-4-5')
  await rig.turn('Say hello with the fallback.')
  await rig.find('the first model fails, the fallback answers', 'fallback')
}

mkdirSync(cache, { recursive: true })
const asked = process.argv.slice(2)
const rows: Row[] = []
for (const [packaged, check] of [
  ['hermes-agent@0.19.0', hermes],
  ['@anthropic-ai/claude-code@2.1.197', claude],
] as const) {
  const program = programs.find((each) => each.packaged === packaged && each.variant === undefined)
  if (program === undefined || (asked.length > 0 && !asked.includes(program.kind))) continue
  try {
    install(program, cache)
  } catch (thrown) {
    console.error(`${packaged} is not installed: ${messageOf(thrown)}`)
    rows.push({ worker: packaged, step: 'skipped', wanted: '', found: '', text: messageOf(thrown).split('\n')[0] ?? '' })
    continue
  }
  const model = await startModel()
  const rig = new Rig(program, model)
  try {
    await check(rig)
  } finally {
    rows.push(...rig.rows)
    rig.close()
    model.close()
  }
}
for (const line of table(
  ['PROGRAM', 'STEP', 'EXPECTED', 'FOUND', 'REPORT'],
  rows.map(({ worker, step, wanted, found, text }) => [worker, step, wanted, found, text]),
))
  console.log(line)
const wrong = rows.filter(({ wanted, found }) => wanted !== found).length
console.log(`${rows.length - wrong} of ${rows.length} states found in the first cycle`)
if (wrong > 0) process.exitCode = 1
