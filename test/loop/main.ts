/**
 * `npm run loop [-- --issues 60] [--seed 1] [--kill] [--minutes 15]`: brings issues to their end in panes and sprints, with real git and real
 * tmux, the stand-in forge, and stand-in agents. The forge has CI, reviewers, conflicts and blockers. With `--kill`, each dispatcher is
 * killed at a random boundary. Prints figures, and exits with 1 if a rule was broken.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChatMessage } from '../stand-ins/model/replies.ts'
import { seeded } from '../../src/core/random.ts'
import { makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { startModel } from '../stand-ins/model/server.ts'
import { scratch, standIn, testFleet } from '../support/fleet.ts'
import { answersTo } from './answers.ts'
import { FastClock, type Member } from './fast-clock.ts'
import { People } from './forge.ts'
import { LoopJudge, toldIn, type Told } from './judge.ts'
import { paneRepos, planIssues, repos, sprintRepo, type IssuePlan } from './plan.ts'

const { values } = parseArgs({
  options: {
    issues: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '15' },
    kill: { type: 'boolean', default: false },
  },
})
/** The boundaries of a dispatcher before it is killed: at least one, on average 40. */
const meanBoundaries = 40

const [count, seed, minutes] = [values.issues, values.seed, values.minutes].map(Number) as [number, number, number]
const plans = planIssues(count, seed)
const random = seeded(seed + 1)
const began = Date.now()
const ends: (() => unknown)[] = []
const t = { after: (end: unknown) => void ends.push(end as () => unknown) }
const clockFile = join(scratch(t), 'clock')
const clock = FastClock.create(clockFile)
ends.push(() => clock.close())
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

/** Called for each answer of the forge. */
let onAnswer: People['afterAnswer'] = () => {}

/** The follow-ups that sprints received. */
const toldSprints: Told[] = []

/** Plays the model of sprints: it writes one new file, with the answers to the follow-up. */
function brain(messages: readonly ChatMessage[]) {
  const text = messages.map(({ content }) => content ?? '').join('\n')
  if (messages.some(({ role }) => role === 'tool')) return { text: 'I wrote the file.' }
  const [, issue = '', number = '0'] = /work on: (\S+#(\d+)), sprint/.exec(text) ?? []
  const isFollowUp = text.includes('The branch already has the change of an earlier sprint.')
  if (isFollowUp) toldSprints.push({ issue, head: '', text })
  const name = isFollowUp ? `work/${number}-${toldSprints.length}.txt` : `work/${number}-first.txt`
  return { text: '', calls: [{ name: 'write_file', args: { path: name, content: isFollowUp ? answersTo(text) : 'done\n' } }] }
}

async function main(): Promise<number> {
  const forge = await openForge()
  const { dir, fleet, home } = await openFleet(forge)
  const people = new People(forge, plans)
  onAnswer = (...answer) => people.afterAnswer(...answer)
  const judge = new LoopJudge(forge, people, plans)
  const processes = new Processes(join(dir, 'fleet-spec.json'), home)
  const left = () => plans.filter((plan) => judge.endOf(plan).is === 'open')
  try {
    for (const words of [['up'], ['christen', '--parallel', '6']]) {
      const { code, err } = await fleet.burn(...words)
      if (code !== 0) throw new Error(err)
    }
    processes.start()
    for (let shown = count; left().length > 0 && !stop.signal.aborted && Date.now() - began < minutes * 60_000;) {
      people.tick()
      await sleep(150)
      clock.advance()
      if (left().length <= shown - 10)
        console.log(`${(shown = left().length)} issues left after ${Math.round((Date.now() - began) / 1000)} s`)
    }
  } finally {
    // burn's own story helps to find the cause, but does not judge.
    for (const { repo, number } of left()) console.log((await fleet.burn('explain', `${repo}#${number}`)).out.trimEnd())
    await processes.end()
  }
  return printed(judge, [...toldIn(join(dir, 'agents')), ...toldSprints], processes.kills)
}

async function openForge() {
  const git = join(scratch(t), 'forge')
  for (const repo of repos) {
    const shared = plans.filter((plan) => plan.repo === repo).map(({ number }) => [`shared/${number}.txt`, 'of the base\n'] as const)
    makeBare(join(git, `${repo}.git`), { 'README.md': '# repo\n', ...Object.fromEntries(shared) })
  }
  const seeds = repos.map((name) => ({
    name,
    writers: ['burn', 'ann', 'bob'],
    issues: plans.filter(({ repo }) => repo === name).map(({ number }) => ({ number, title: `Write file ${number}`, author: 'ann' })),
  }))
  const forge = await startGitea({
    repos: seeds,
    git,
    check: false,
    version: '1.26.0',
    now: () => clock.now(),
    onAnswer: (...answer) => onAnswer(...answer),
  })
  for (const { repo, number, blocked_by } of plans)
    if (blocked_by !== null) forge.state.issue(repo, number).blockers.push({ repo, number: blocked_by })
  ends.push(() => forge.close())
  return forge
}

async function openFleet(forge: Awaited<ReturnType<typeof openForge>>) {
  const model = await startModel({ script: brain })
  ends.push(() => model.close())
  const git = forge.state.gitRoot ?? ''
  const fleet = testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    const agent = standIn(dir, '--turn', resolve(import.meta.dirname, 'agent.mjs'), '--busy-mode', 'queue')
    const nameOf = (repo: string) => repo.slice(repo.indexOf('/') + 1)
    const changes = { merge: 'approved', push_timeout: '1d' }
    return {
      name: 'loop',
      session: 'L',
      socket,
      dir: join(dir, 'w'),
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
      agent: { ...agent, hooks: false, busy_input_mode: 'queue', env: { STANDIN_TOKEN: forge.token, LOOP_GIT: git } },
      dispatch: { interval: '10s' },
      changes,
      repos: Object.fromEntries(
        repos.map((repo) => [
          nameOf(repo),
          { clone_url: join(git, `${repo}.git`), ...(repo === sprintRepo ? { changes: { merge: 'green' } } : {}) },
        ]),
      ),
      sprint: {
        repos: [nameOf(sprintRepo)],
        dir: join(dir, 'sprints'),
        sandbox: { use: 'off' },
        backends: [{ kind: 'runner', models: [{ model: 'stand-in', url: model.url }] }],
      },
      machines: { box: { windows: [{ name: 'W', panes: 8, repos: paneRepos.map(nameOf) }] } },
    }
  })
  const home = join(fleet.dir, 'home')
  mkdirSync(home, { recursive: true })
  return { dir: fleet.dir, fleet, home }
}

/** The processes of burn: one dispatcher, and one process of sprints after another. */
class Processes {
  kills = 0
  #isOver = false
  readonly #running = new Set<ChildProcess>()
  readonly #loops: Promise<void>[] = []
  readonly #spec: string
  readonly #home: string

  constructor(spec: string, home: string) {
    this.#spec = spec
    this.#home = home
  }

  start(): void {
    this.#loops.push(this.#repeat('dispatch', 100), this.#repeat('sprint', 1500))
  }

  async end(): Promise<void> {
    this.#isOver = true
    for (const child of this.#running) child.kill('SIGTERM')
    await Promise.race([Promise.all(this.#loops), sleep(20_000, undefined, { ref: false })])
    for (const child of this.#running) child.kill('SIGKILL')
  }

  async #repeat(what: Member, pause: number): Promise<void> {
    while (!this.#isOver) {
      const boundary = values.kill && what === 'dispatch' ? 1 + Math.floor(-Math.log(1 - random()) * meanBoundaries) : 0
      await this.#run(what, String(boundary))
      if (!this.#isOver) await sleep(pause)
    }
  }

  #run(what: Member, boundary: string): Promise<void> {
    const file = join(import.meta.dirname, 'process.ts')
    const child = spawn(process.execPath, [file, what, this.#spec, this.#home, clockFile, boundary], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-1_000)))
    this.#running.add(child)
    return new Promise((done) => {
      child.once('close', (code, signal) => {
        this.#running.delete(child)
        clock.ended(what)
        if (signal === 'SIGKILL') this.kills += 1
        else if (code !== 0 && code !== 3 && !this.#isOver) console.log(`${what} ended with ${code}: ${errors}`)
        done()
      })
    })
  }
}

function printed(judge: LoopJudge, told: readonly Told[], kills: number): number {
  const found = plans.map((plan) => ({ plan, end: judge.endOf(plan) }))
  const of = (is: string) => found.filter(({ end }) => end.is === is)
  const mustEscalate = ({ check, review }: IssuePlan) => check === 'stubborn' || review === 'insists'
  const lost = of('open').map(({ plan }) => `${plan.repo}#${plan.number} has no end: ${JSON.stringify(plan)}`)
  const wrong = found.flatMap(({ plan, end }) =>
    end.is !== 'open' && (end.is === 'escalated') !== mustEscalate(plan)
      ? [`${plan.repo}#${plan.number} ended ${JSON.stringify(end)}: ${JSON.stringify(plan)}`]
      : [],
  )
  const rounds = judge.lostRounds(told)
  const broken = [...judge.twice(told), ...judge.merges, ...judge.given, ...rounds, ...lost, ...wrong]
  for (const line of broken) console.log(`BROKEN ${line}`)
  for (const { plan, end } of of('escalated'))
    console.log(`${plan.repo}#${plan.number} needs a person: ${'reason' in end ? end.reason : ''}`)
  const conflicts = plans.filter(({ conflict }) => conflict).length
  const blocked = plans.filter(({ blocked_by }) => blocked_by !== null).length
  const withPlan = `${plans.filter(({ check }) => check !== 'green').length} with red checks, ${plans.filter(({ review }) => review !== 'none').length} with reviews, ${conflicts} with conflicts, ${blocked} blocked`
  console.log(
    `${count} issues (${withPlan}), seed ${seed}: ${of('merged').length} merged, ${of('escalated').length} escalated, ${lost.length} without an end; ` +
      `${told.length} follow-ups, ${judge.twice(told).length} conditions told twice, ${judge.merges.length} merges against the policy, ` +
      `${judge.given.length} issues given before their blocker, ${rounds.length} with lost rounds; ${judge.late()}; ${kills} kills; ${Math.round((Date.now() - began) / 1000)} s, with a clock that ran ${clock.pace(began)} times as fast`,
  )
  return broken.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} finally {
  for (const end of ends.toReversed()) await end()
}
