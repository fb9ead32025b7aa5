/** Compares the tokens in the ledger with the answers of the model server, after steps of six real agents. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenSession } from '../../src/cli/command.ts'
import type { Expect } from './verdict.ts'
import type { Place } from './fleet.ts'
import type { Call, Failure, ModelServer, Served } from './model.ts'
import { collectUsage } from '../../src/collect/usage.ts'
import { cycle } from '../../src/cycle/cycle.ts'
import { answer } from '../../src/operate/answer.ts'
import { restartWorkers } from '../../src/operate/restart.ts'
import { tmuxOn } from '../support/tmux.ts'
import { look, names, send, settle } from './fleet.ts'

/** The sums of tokens that are compared. */
export type Sums = Readonly<Record<'calls' | 'input' | 'cache_read' | 'output', number>>
/** No tokens. */
export const none: Sums = { calls: 0, input: 0, cache_read: 0, output: 0 }

interface Counted {
  readonly calls?: number
  readonly input: number
  readonly cache_read: number | null
  readonly cache_write: number | null
  readonly output: number
}

/** Adds counts. Tokens that an agent wrote to a cache count as input, because some protocols do not report them. */
export const add = (sum: Sums, { calls = 1, input, cache_read, cache_write, output }: Counted): Sums => ({
  calls: sum.calls + calls,
  input: sum.input + input + (cache_write ?? 0),
  cache_read: sum.cache_read + (cache_read ?? 0),
  output: sum.output + output,
})
/** Returns sums for people. */
export const said = ({ calls, input, cache_read, output }: Sums) => `${calls} calls, ${input} + ${cache_read} in, ${output} out`

const minus = (a: Sums, b: Sums): Sums => ({
  calls: a.calls - b.calls,
  input: a.input - b.input,
  cache_read: a.cache_read - b.cache_read,
  output: a.output - b.output,
})

/** The issues of this check have higher numbers. */
const firstIssue = 100

/** The answers of which an agent records no tokens. */
export interface Unrecorded {
  /** A text in the requests of these answers. */
  readonly unrecorded?: RegExp
  /** True if the agent asks again after an answer without words, and records no tokens of that answer. */
  readonly drops_empty?: true
}

/** The fleet, its files, its model server and the findings. */
export interface Rig {
  readonly open: OpenSession
  readonly place: Place
  readonly model: ModelServer
  readonly expect: Expect
}

/** The steps of six agents, and the comparisons after them. */
export class UsageCheck {
  readonly #unrecorded: Unrecorded
  readonly #open: OpenSession
  readonly #place: Place
  readonly #model: ModelServer
  readonly #expect: Expect
  #answers = 0
  #recorded = none
  #issues = firstIssue

  constructor(unrecorded: Unrecorded, { open, place, model, expect }: Rig) {
    this.#unrecorded = unrecorded
    this.#open = open
    this.#place = place
    this.#model = model
    this.#expect = expect
  }

  #isRecorded({ whole, body, empty }: Served): boolean {
    const { unrecorded, drops_empty } = this.#unrecorded
    return whole && unrecorded?.test(body) !== true && !(empty && drops_empty === true)
  }

  /** Compares the tokens since the last comparison. An agent may record an answer some time after it. */
  async compare(what: string): Promise<void> {
    let added = await this.#added()
    for (let time = 0; time < 4 && said(added) !== said(this.#served()); time++) {
      await sleep(1_500)
      added = await this.#added()
    }
    const answers = this.#model.served.slice(this.#answers)
    const served = this.#served()
    const cut = answers.filter(({ whole }) => !whole).length
    const missing = answers.filter((each) => each.whole && !this.#isRecorded(each)).length
    this.#answers = this.#model.served.length
    this.#recorded = [this.#recorded, added].reduce((sum, each) => add(sum, { ...each, cache_write: 0 }), none)
    const same = said(added) === said(served)
    const list = same
      ? ''
      : `: ${answers.map((each) => `${said(add(none, each))} for ${each.prompt}${each.whole ? '' : ' (cut)'}: ${each.body.slice(-300)}`).join(' | ')}`
    this.#expect('usage', same, `${what}: served ${said(served)}, ${missing} unrecorded, ${cut} cut; recorded ${said(added)}${list}`)
  }

  /** Returns the tokens that the agents recorded since the last comparison. */
  async #added(): Promise<Sums> {
    const { session } = this.#open
    for (const machine of session.fleet.machines) await collectUsage(machine, session)
    return minus((await session.ledger.usage({ since: 0 })).reduce(add, none), this.#recorded)
  }

  /** Returns the tokens of the answers since the last comparison, except those that agents do not record. */
  #served(): Sums {
    return this.#model.served
      .slice(this.#answers)
      .filter((each) => this.#isRecorded(each))
      .reduce(add, none)
  }

  /** Compares the tokens of each issue. */
  async compareIssues(): Promise<void> {
    const { session } = this.#open
    const { ledger, fleet } = session
    for (const machine of fleet.machines) await collectUsage(machine, session)
    const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
    const dispatches = (await Promise.all(workers.map(({ id }) => ledger.dispatches({ worker: id, limit: 50 })))).flat()
    const prompts = [...new Set(this.#model.served.flatMap(({ prompt }) => prompt ?? []))]
    const told = new Map((await ledger.deliveries({ ids: prompts })).map(({ id, dispatch }) => [id, dispatch]))
    const rows = await ledger.usage({ since: 0 })
    // People's texts about the issues of earlier checks count for these issues, too.
    for (const { id, issue } of dispatches.filter(({ issue: name }) => Number(name.split('#')[1]) > firstIssue)) {
      const served = this.#model.served
        .filter((each) => this.#isRecorded(each) && each.prompt !== null && (told.get(each.prompt) ?? each.prompt) === id)
        .reduce(add, none)
      const recorded = rows.filter((row) => row.issue === issue).reduce(add, none)
      this.#expect('issues', said(served) === said(recorded), `${issue}: served ${said(served)}, recorded ${said(recorded)}`)
    }
  }

  /** Gives one issue to each pane, and waits until its turn has ended. */
  async work(title: string, { failure, call }: { readonly failure?: Failure; readonly call?: Call } = {}): Promise<void> {
    const { session } = this.#open
    const numbers = names.map(() => ++this.#issues)
    const write = (state: string) => {
      for (const each of numbers)
        writeFileSync(join(this.#place.root, `forge/issues/app/${each}.md`), `---\ntitle: ${title} ${each}\nstate: ${state}\n---\nDo it.\n`)
    }
    write('open')
    if (failure !== undefined) this.#model.failing.set('*', failure)
    if (call !== undefined) this.#model.calling.set('*', call)
    const asked = this.#model.asked.length
    const dispatched = new Set<string>()
    for (let turn = 0; turn < 4 && dispatched.size < numbers.length; turn++) {
      const { deliveries } = await cycle(session.fleet.machines, session, AbortSignal.timeout(120_000))
      for (const { id, state } of deliveries) {
        if (state === 'seen' || state === 'submitted') dispatched.add(id)
      }
      if (failure === undefined) await this.#ends()
      else await sleep(8_000)
    }
    this.#expect('usage', dispatched.size >= numbers.length, `${title}: ${dispatched.size} of ${numbers.length} issues reached an agent`)
    this.#model.failing.delete('*')
    this.#model.calling.delete('*')
    await this.#ends()
    await sleep(1_500)
    await this.compare(title)
    if (this.#model.asked.length === asked) this.#expect('usage', false, `${title}: no request`)
    write('closed')
    await cycle(session.fleet.machines, session, AbortSignal.timeout(120_000))
    await this.#ends()
  }

  /** Waits until all turns have ended. If an agent asks for an approval, the first choice is the answer. */
  async #ends(): Promise<void> {
    const { session } = this.#open
    const workers = session.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
    for (let time = 0; time < 4; time++) {
      await settle(this.#open, names, ({ state }) => state === 'idle' || state === 'error' || state === 'waiting', 60_000)
      const waiting = [...(await look(this.#open))].filter(([, { state }]) => state === 'waiting')
      for (const [name, { detail, evidence }] of waiting) {
        console.error(`${name} asks: ${evidence}`)
        const worker = workers.find((each) => each.name === name)
        if (worker !== undefined) await answer(worker, detail === 'prompt' ? 'enter' : '1', session)
      }
      if (waiting.length === 0) return
    }
  }

  /** Types a command into each pane, as a person does. */
  async type(command: string): Promise<void> {
    for (const { pane } of this.#panes()) tmuxOn(this.#place.socket, 'send-keys', '-t', pane, '-l', command)
    await sleep(1_500)
    for (const { pane } of this.#panes()) tmuxOn(this.#place.socket, 'send-keys', '-t', pane, 'Enter')
    await sleep(2_000)
    await this.#ends()
  }

  /** Restarts the agents. Those with hooks continue their conversation, if their kind can. */
  async restart(): Promise<void> {
    const { session } = this.#open
    const workers = session.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
    const options = { mode: 'now', fresh: false, why: 'usage check', patience: 60_000 } as const
    for (const { worker, outcome, why } of await restartWorkers(workers, session, AbortSignal.timeout(240_000), options))
      this.#expect('usage', outcome === 'restarted' || outcome === 'unproven', `restart of ${worker}: ${outcome} ${why}`)
    const continued = (await session.ledger.view()).agents.filter(({ continues }) => continues !== null)
    this.#expect('usage', true, `${continued.length} agents continue a conversation`)
  }

  /** Returns the panes of the agents. */
  #panes() {
    const format = '#{pane_id} #{pane_pid} #{pane_current_path}'
    const list = tmuxOn(this.#place.socket, 'list-panes', '-a', '-f', '#{@burn_worker}', '-F', format)
    return list
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([pane = '', pid = '', path = '']) => ({ pane, pid, path }))
  }

  /** Sends a person's text to each agent. */
  async text(what: string): Promise<void> {
    await send(this.#open, new Map(names.map((name) => [name, what])))
    await settle(this.#open, names, ({ state }) => state === 'idle', 60_000)
    await sleep(1_500)
    await this.compare(what)
  }
}
