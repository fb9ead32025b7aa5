/**
 * A box with systemd as process 1 and real user timers, among them one that `burn job schedule` prints, and with a real crontab. Of the
 * many jobs of the system, one timer and one cron job run as the user. With `--only-timers`, burn reads the stopped timer twice: first it is late, then its run is missed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ran } from './fleet.ts'
import { openLedger } from '../../src/ledger/open.ts'
import type { Engine } from './engine.ts'

const root = resolve(import.meta.dirname, '../..')
/** A missed run counts after half of the period, but at least after two minutes. */
const grace = 130_000
/** A run is late after a minute, and is not missed yet. */
const lateness = 85_000
/** A line that names no command of burn. cron keeps no record of its runs. */
const crontab = '*/5 * * * * /bin/true'

/** Timers with a period of ten seconds: the command of each, and the seconds until its first run. */
const timers = {
  good: { command: '/bin/true', first: 1 },
  failing: { command: '/bin/false', first: 1 },
  stopped: { command: '/bin/true', first: 1 },
  new: { command: '/bin/true', first: 36_000 },
}

/** The states that burn must find at the second sample. One timer is that of `burn job schedule`. */
const expected: Readonly<Record<string, string>> = {
  'systemd good.timer': 'on time',
  'systemd failing.timer': 'failing',
  'systemd stopped.timer': 'missed',
  'systemd new.timer': 'never ran',
  'systemd burn-collect.timer': 'on time',
  'cron /bin/true': 'unknown',
  'systemd own.timer (system)': 'on time',
  'cron /bin/true --own (system)': 'unknown',
}
/** The same at the first sample. */
const early: typeof expected = { ...expected, 'systemd stopped.timer': 'late' }

/** The box with the timers. */
export class TimerBox {
  readonly #engine: Engine
  readonly #dir: string
  #stopped = 0

  constructor(dir: string, engine: Engine) {
    this.#engine = engine
    this.#dir = join(dir, 'timers')
  }

  /** Builds and starts the box, and enables its timers. `burn`: the folder with the bundle of burn, which runs in the box, too. */
  async start(burn: string): Promise<void> {
    mkdirSync(this.#dir)
    this.#engine.build('timers', import.meta.dirname, ['--file', join(import.meta.dirname, 'Timers')])
    const shared = [...new Set([root, resolve(process.execPath, '../..'), burn])].flatMap((path) => ['--volume', `${path}:${path}:ro`])
    this.#engine.run('timers', 'timers', ['--privileged', '--systemd=always', ...shared])
    await this.#until('systemd has started the user manager', () => this.#inBox('systemctl --user is-system-running') === 'running')
    this.#must('mkdir -p ~/.config/systemd/user')
    for (const [name, { command, first }] of Object.entries(timers)) {
      this.#write(`~/.config/systemd/user/${name}.service`, `[Service]\nType=oneshot\nExecStart=${command}\n`)
      const timer = `[Timer]\nAccuracySec=1s\nOnActiveSec=${first}\nOnUnitActiveSec=10\n[Install]\nWantedBy=timers.target\n`
      this.#write(`~/.config/systemd/user/${name}.timer`, timer)
    }
    const windows = [{ name: 'A', panes: 1, repos: ['app'], agent: { kind: 'shell', command: ['sh'] } }]
    const spec = { name: 'inside', ledger: 'sqlite:~/l.db', forge: { kind: 'folder', path: '~/forge' }, machines: { inside: { windows } } }
    this.#write('~/spec.json', JSON.stringify(spec))
    const program = `${process.execPath} ${join(burn, 'start.mjs')}`
    const printed = this.#must(
      `mkdir -p ~/forge && ${program} job schedule collect --every 1m --format systemd --spec ~/spec.json 2>/dev/null`,
    )
    for (const [, name = '', text = ''] of printed.matchAll(/^# (burn-collect\.\w+)\n([^]*?)(?=^# burn-|$(?![^]))/gm))
      this.#write(`~/.config/systemd/user/${name}`, text)
    const names = [...Object.keys(timers), 'burn-collect'].map((name) => `${name}.timer`)
    this.#must(`systemctl --user daemon-reload && systemctl --user enable --now ${names.join(' ')} 2>&1`)
    this.#must(`echo '${crontab}' | crontab - 2>&1`)
    const ran = () =>
      this.#inBox('systemctl --user show stopped.service -p ExecMainStartTimestampMonotonic') !== 'ExecMainStartTimestampMonotonic=0'
    await this.#until('the timers have run once', ran)
    this.#must('systemctl --user stop stopped.timer')
    this.#stopped = Date.now()
  }

  /** Returns the spec of a fleet in which the box is a machine. */
  writeSpec(): string {
    const file = join(this.#dir, 'spec.json')
    const windows = [{ name: 'A', panes: 1, repos: ['app'], agent: { kind: 'shell', command: ['sh'] } }]
    const machines = { timers: { exec: ['docker', 'exec', '-i', '-u', 'burn', 'timers'], windows } }
    const forge = { kind: 'folder', path: this.#dir }
    writeFileSync(file, JSON.stringify({ name: 'outside', ledger: this.#ledger, forge, machines }))
    return file
  }

  get #ledger(): string {
    return `sqlite:${this.#dir}/l.db`
  }

  /** Takes a sample when the stopped timer is late, and one when it has missed its run. Returns the violations and the evidence. */
  async judge(burn: (words: readonly string[]) => Promise<Ran>): Promise<{ readonly violations: string[]; readonly evidence: string[] }> {
    const spec = this.writeSpec()
    // In a whole run the other box takes longer than that.
    const isEarly = Date.now() < this.#stopped + lateness
    const first = isEarly ? await this.#sample(burn, spec, { after: lateness, states: early }) : { violations: [], evidence: [] }
    const second = await this.#sample(burn, spec, { after: grace, states: expected })
    const health = await burn(['health', '--json', '--spec', spec])
    const isWarned = /failing\.timer \(failing\): [^"]*; 1 more job"/.test(health.out)
    return {
      violations: [
        ...first.violations,
        ...second.violations,
        ...(isWarned ? [] : [`burn health does not report the two jobs: ${health.out}`]),
      ],
      evidence: [...first.evidence.filter((line) => line.includes('late')), ...second.evidence],
    }
  }

  /** Takes a sample `after` ms after the timer was stopped, and compares the states of the jobs. */
  async #sample(
    burn: (words: readonly string[]) => Promise<Ran>,
    spec: string,
    { after, states }: { readonly after: number; readonly states: typeof expected },
  ): Promise<{ readonly violations: string[]; readonly evidence: string[] }> {
    await sleep(Math.max(0, this.#stopped + after - Date.now()))
    const sample = await burn(['job', 'run', 'collect', '--spec', spec])
    const ledger = await openLedger(this.#ledger, { random: Math.random })
    try {
      const spans = (await ledger.openSpans()).filter(({ kind }) => kind === 'job')
      const stateOf = (job: string) => spans.find(({ subject }) => subject === `timers ${job}`)
      const wrong = Object.entries(states).filter(([job, state]) => stateOf(job)?.state !== state)
      const foreign = spans.filter(({ subject }) => subject.endsWith('(system)') && states[subject.slice('timers '.length)] === undefined)
      return {
        violations: [
          ...(sample.code === 0 ? [] : [`the sample ended with ${sample.code}: ${sample.out}`]),
          ...foreign.map(({ subject }) => `${subject} belongs to the operating system`),
          ...wrong.map(([job, state]) => `${job} is ${stateOf(job)?.state}, not ${state}: ${stateOf(job)?.evidence}`),
        ],
        evidence: Object.keys(states).map((job) => `${job}: ${stateOf(job)?.state} (${stateOf(job)?.evidence})`),
      }
    } finally {
      await ledger.close()
    }
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 60_000; !holds(); await sleep(500)) if (Date.now() > end) throw new Error(`not within 60 s: ${what}`)
  }

  #inBox(script: string): string {
    const words = ['exec', '-i', '-u', 'burn', 'timers', 'sh', '-c', `export XDG_RUNTIME_DIR=/run/user/1000; cd; ${script}`]
    return this.#engine.podman(...words).out
  }

  #must(script: string): string {
    const marked = this.#inBox(`{ ${script}; } && echo done`)
    if (!marked.endsWith('done')) throw new Error(`in the box: ${script}: ${marked}`)
    return marked.slice(0, -'done'.length)
  }

  #write(path: string, text: string): void {
    const words = ['exec', '-i', '-u', 'burn', 'timers', 'sh', '-c', `cat >${path}`]
    const { status, stderr } = spawnSync(join(this.#engine.bin, 'docker'), words, {
      input: text,
      encoding: 'utf8',
      env: { ...process.env, HOME: '/root' },
    })
    if (status !== 0) throw new Error(`cannot write ${path} in the box: ${stderr}`)
  }
}
