/** The fleet of `npm run test:boxes`: the window FORGE of examples/allegro, with stand-in agents and a folder forge. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'jsonc-parser'
import { bundle } from '../../scripts/bundle.ts'
import { jsonLines } from '../support/json-lines.ts'
import { standIn } from '../support/fleet.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { composeFlags, type Engine } from './engine.ts'

const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'examples/allegro')
/** The user of the box. */
const user = 1000
/** The longest time (ms) that a command of burn may take, whatever state the box is in. */
export const longest = 90_000

/** A record of a stand-in agent. */
interface AgentEvent {
  readonly event: string
  readonly path?: string
}

/** The result of a command of burn. */
export interface Ran {
  /** Null if the command did not end within `longest`. */
  readonly code: number | null
  readonly out: string
  readonly seconds: number
}

/** The fleet, with one box. */
export class BoxFleet {
  readonly engine: Engine
  readonly #dir: string
  readonly #forge: string
  readonly #running = new Set<ChildProcess>()

  constructor(dir: string, engine: Engine) {
    this.#dir = dir
    this.#forge = join(dir, 'forge')
    this.engine = engine
  }

  /** Creates the repo, the issues, the spec and the bundle of burn. */
  async make(issues: readonly string[]): Promise<void> {
    for (const name of ['home', 'agents', 'forge', 'forge/reviews', 'forge/reviews/app']) mkdirSync(join(this.#dir, name))
    const git = (...words: string[]) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { stdio: 'ignore' })
    const bare = join(this.#forge, 'app.git')
    git('init', '--bare', '-b', 'main', bare)
    git('clone', bare, join(this.#dir, 'first'))
    git('-C', join(this.#dir, 'first'), 'commit', '--allow-empty', '-m', 'First')
    git('-C', join(this.#dir, 'first'), 'push', 'origin', 'HEAD:main')
    issues.forEach((title, index) => this.addIssue(index + 1, title))
    execFileSync('chown', ['-R', `${user}:${user}`, this.#forge, join(this.#dir, 'agents')])
    // burn runs as root here, and git refuses the repositories of others.
    writeFileSync(join(this.#dir, 'home/.gitconfig'), `[safe]\n\tdirectory = ${bare}\n`)
    this.#writeSpecs()
    await bundle(this.program)
  }

  /** Writes an issue that asks for a file. */
  addIssue(number: number, title: string): void {
    const folder = join(this.#forge, 'issues/app')
    mkdirSync(folder, { recursive: true })
    const body = `Please add a file \`f${number}.txt\` that says:\n\n\`\`\`text\n${number}\n\`\`\`\n`
    const created = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString()
    writeFileSync(join(folder, `${number}.md`), `---\ntitle: ${JSON.stringify(title)}\nauthor: ann\ncreated: ${created}\n---\n${body}`)
  }

  #writeSpecs(): void {
    const spec = parse(readFileSync(join(example, 'fleet-spec.json'), 'utf8')) as { machines: { allegro: { windows: { name: string }[] } } }
    const own = { ledger: this.ledger, forge: { kind: 'folder', path: this.#forge }, dispatch: { interval: '2s', depth: 1 } }
    const agent = standIn(this.#dir, '--turn', resolve(import.meta.dirname, 'turn.mjs'))
    writeFileSync(join(this.#dir, 'whole.json'), JSON.stringify({ ...spec, ...own, agent }))
    const windows = spec.machines.allegro.windows.filter(({ name }) => name === 'FORGE').map((window) => ({ ...window, repos: ['app'] }))
    const machines = { allegro: { ...spec.machines.allegro, windows } }
    writeFileSync(join(this.#dir, 'spec.json'), JSON.stringify({ ...spec, ...own, agent, machines }))
  }

  /** The folder with the bundle of burn. */
  get program(): string {
    return join(this.#dir, 'burn')
  }

  get ledger(): string {
    return `sqlite:${this.#dir}/l.db`
  }

  /** Builds the box of the example, and starts it. */
  startBox(): void {
    const secret = join(this.#dir, 'git-login')
    writeFileSync(secret, 'username=burn\npassword=secret-of-the-box\n', { mode: 0o400 })
    chownSync(secret, user, user)
    this.engine.build('box', example, ['--target', 'box', '--build-arg', 'BASE=localhost/base'])
    const readable = [root, resolve(process.execPath, '../..')].flatMap((path) => ['--volume', `${path}:${path}:ro`])
    const writable = [this.#forge, join(this.#dir, 'agents')].flatMap((path) => ['--volume', `${path}:${path}`])
    this.engine.run('allegro', 'box', [...composeFlags(secret), ...readable, ...writable])
    // burn adds its hooks to this file.
    this.inBox('mkdir ~/.hermes && echo "model: { default: m }" >~/.hermes/config.yaml')
  }

  /** Starts burn. `spec`: `whole` has all 44 agents. */
  start(words: readonly string[], spec = 'spec'): ChildProcess {
    const env = {
      PATH: `${this.engine.bin}:${process.env['PATH']}`,
      HOME: join(this.#dir, 'home'),
      BURN_SPEC: join(this.#dir, `${spec}.json`),
      NO_COLOR: '1',
    }
    const child = spawn(process.execPath, [join(this.program, 'start.mjs'), ...words], {
      env,
      cwd: this.#dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  /** Runs burn to its end, for at most `longest`. */
  async burn(words: readonly string[], spec?: string): Promise<Ran> {
    const began = performance.now()
    const child = this.start(words, spec)
    let out = ''
    child.stdout?.on('data', (chunk) => (out += String(chunk)))
    child.stderr?.on('data', (chunk) => (out += String(chunk)))
    const timer = setTimeout(() => child.kill('SIGKILL'), longest)
    const code = await new Promise<number | null>((done) => child.once('close', done))
    clearTimeout(timer)
    return { code, out, seconds: (performance.now() - began) / 1000 }
  }

  /** Runs a command in the box as its user. */
  inBox(script: string): string {
    return this.engine.podman('exec', '-i', 'allegro', 'sh', '-c', script).out
  }

  /** Returns the number of agents that run in the box. */
  agents(): number {
    return Number(this.inBox('ps -A -o args= | grep -c "[a]gent\\.mjs"'))
  }

  /** Returns the records of all agents. */
  records(): AgentEvent[] {
    return readdirSync(join(this.#dir, 'agents')).flatMap((name) => jsonLines<AgentEvent>(join(this.#dir, 'agents', name)))
  }

  /** Returns the changes that agents opened: the number of the issue of each. */
  changes(): number[] {
    const folder = join(this.#forge, 'reviews/app')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
    return files.flatMap((name) => Number(/^issue: (\d+)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1] ?? []))
  }

  /** Returns all dispatches of the ledger. */
  async dispatches() {
    const ledger = await openLedger(this.ledger, { random: Math.random })
    try {
      return await ledger.dispatches({})
    } finally {
      await ledger.close()
    }
  }

  /** Waits until a condition holds. Throws after `limit` ms. */
  async until(what: string, holds: () => boolean | Promise<boolean>, limit = 120_000): Promise<void> {
    for (const end = Date.now() + limit; !(await holds()); await sleep(500))
      if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}`)
  }

  /** Ends all commands of burn, and the box. */
  close(): void {
    for (const child of this.#running) child.kill('SIGKILL')
    this.engine.close()
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
