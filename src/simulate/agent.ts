/** An agent in a pane: a composer, a queue of prompts, and one turn after another. */
import type { CustomAgent, IssueRef } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { VirtualClock } from './clock.ts'
import { lineChecksum } from '../core/typed-line.ts'

/** How the simulated agents' screens are read: as a spec would say it of an agent of kind `custom`. */
export const simulatedScreen: CustomAgent = {
  ready: '^agent',
  composer: '^❯ ?(.*)$',
  below: null,
  placeholder: null,
  working: ['^● working'],
  waiting: ['^\\? '],
  error: ['^✕ '],
  rows: 8,
  submit: 'Enter',
  submit_delay: 0,
}

/** A prompt that an agent has. */
export interface Prompt {
  /** Of its dispatch, whichever text gave it. */
  readonly id: string
  readonly issue: IssueRef
}

/** What the world does with what an agent does. */
export interface AgentWorld {
  readonly clock: VirtualClock
  /** A text was submitted; returns what it asks for. */
  received(agent: SimulatedAgent, id: string, text: string): Prompt
  /** Why the provider refuses an agent's requests; null where it takes them. */
  refuses(agent: SimulatedAgent): string | null
  /** How long an agent works on it, milliseconds. */
  turn(prompt: Prompt): number
  turnEnded(agent: SimulatedAgent, prompt: Prompt): void
}

/** The same text by itself: one that was cut out of a prompt would keep all of the prompt for as long as it is kept. */
function apart(text: string): string {
  return Buffer.from(text).toString()
}

/** How long a turn takes whose first request is refused, milliseconds. */
const refusedAfter = 2_000
const idIn = /\[burn ([0-9a-hjkmnp-tv-z]{13})\]/

export class SimulatedAgent {
  readonly pane: string
  readonly worker: string
  pid: number
  alive = true
  asks = false
  /** What stands in its composer. */
  composer = ''
  /** Prompts received and not done, the first at work. */
  readonly queue: Prompt[] = []
  /** What is submitted to it arrives cut, as its hook tells. */
  mangles = false
  #signal = ''
  /** Lines that the screen still shows. */
  #shown: string[] = []
  #began = 0
  /** Why its last turn failed; empty where it did not. */
  #failure = ''
  /** Milliseconds of turns that have ended. */
  busy = 0
  /** Turns that have ended. */
  turns = 0
  readonly #world: AgentWorld
  readonly #window: string

  constructor(at: { readonly worker: string; readonly window: string; readonly pane: string; readonly pid: number }, world: AgentWorld) {
    this.worker = at.worker
    this.#window = at.window
    this.pane = at.pane
    this.pid = at.pid
    this.#world = world
  }

  get working(): boolean {
    return this.queue.length > 0
  }

  paste(text: string): void {
    this.composer += text
  }

  /** Enter: what stands in the composer is a prompt, and waits behind the turn that runs. `read` gives the text that it names. */
  enter(read: (line: string) => string): void {
    const text = this.composer
    const found = idIn.exec(text)?.[1]
    this.composer = ''
    if (found === undefined) return
    const id = apart(found)
    const taken = apart(this.mangles ? text.slice(0, 40) : text)
    this.#shown = [...this.#shown, taken].slice(-4)
    if (this.mangles) this.#signal = `1 ${Math.floor(this.#world.clock.now() / 1000)} UserPromptSubmit - ${id}:${lineChecksum(taken)}`
    this.queue.push(this.#world.received(this, id, read(taken)))
    if (this.queue.length === 1) this.#begin()
  }

  /** Its process ends, with all that it was told. */
  die(): void {
    this.busy += this.workedFor()
    this.alive = false
    this.queue.length = 0
    this.composer = ''
    this.asks = false
    this.#failure = ''
  }

  /** Somebody starts another one in its pane. */
  start(pid: number): void {
    this.pid = pid
    this.alive = true
    this.#shown = []
    this.#signal = ''
  }

  /** Milliseconds of the turn that runs. */
  workedFor(): number {
    return this.working ? this.#world.clock.now() - this.#began : 0
  }

  #begin(): void {
    const [prompt] = this.queue
    if (prompt === undefined) return
    const { clock } = this.#world
    const pid = this.pid
    this.#began = clock.now()
    this.#failure = ''
    const refused = this.#world.refuses(this) !== null
    const end = () => {
      if (this.pid !== pid || !this.alive || this.queue[0] !== prompt) return
      // A question holds its turn up until somebody answers.
      if (this.asks) return clock.at(clock.now() + 60_000, end)
      const refusal = this.#world.refuses(this)
      if (refusal !== null) return this.#end(refusal)
      this.turns += 1
      this.#end('')
      this.#world.turnEnded(this, prompt)
    }
    clock.at(clock.now() + (refused ? refusedAfter : this.#world.turn(prompt)), end)
  }

  #end(failure: string): void {
    this.busy += this.workedFor()
    this.queue.shift()
    this.#failure = failure
    this.#begin()
  }

  screen(): readonly string[] {
    const failed = this.#failure === '' ? '' : `✕ ${this.#failure}`
    const state = this.asks ? '? may I (y/n)' : this.working ? '● working' : failed
    return ['agent 1.0', ...this.#shown, state, ...`❯ ${this.composer}`.split('\n')]
  }

  facts(made: Pick<Pane, 'window_id'>): Pane {
    const nothing = {
      session_id: '$0',
      made_for: null,
      started: null,
      made: true,
      retiring: false,
      signal: this.#signal,
      label: null,
      in_mode: false,
      input: 'open' as const,
      title: '',
      keyed_at: null,
    }
    return {
      ...nothing,
      ...made,
      id: this.pane,
      window_name: this.#window,
      worker: this.worker,
      agent_pid: this.pid,
      pid: this.pid,
      dead: !this.alive,
      ended: this.alive ? null : 'by signal 9',
      queues: true,
      width: 100,
      height: 24,
      command: 'agent',
      cursor_x: 2,
      cursor_y: 6,
    }
  }
}
