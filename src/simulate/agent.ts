/** Simulates an agent in a pane: its composer, its queue of prompts and its turns. */
import type { CustomAgent } from '../core/custom-agent.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { VirtualClock } from './clock.ts'
import { lineChecksum } from '../core/typed-line.ts'

/** The screen patterns of simulated agents, as a spec declares them for an agent of kind `custom`. */
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

/** A prompt in an agent's queue. */
export interface Prompt {
  /**
   * The id of the dispatch that the prompt belongs to. A later delivery of the dispatch has an id of its own, but its prompt has the id of
   * the dispatch here, too.
   */
  readonly id: string
  readonly issue: IssueRef
  /** Whether the prompt is a follow-up about the dispatch's change. */
  readonly fixes: boolean
}

/** The functions of the simulated world that a simulated agent calls. */
export interface AgentWorld {
  readonly clock: VirtualClock
  /** Records a submitted text, and returns its prompt. */
  received(agent: SimulatedAgent, id: string, text: string): Prompt
  /** Returns the error with which the model's provider refuses an agent's requests; null if the provider accepts them. */
  refuses(agent: SimulatedAgent): string | null
  /** Returns the duration of a turn (ms). */
  turn(prompt: Prompt): number
  turnEnded(prompt: Prompt): void
  /** Called after each change of the agent that its screen or its pane shows. */
  changed(agent: SimulatedAgent): void
}

/** Returns a copy of a text. Without the copy, V8 keeps a whole prompt in memory for each substring of it. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}

/** The duration (ms) of a turn that fails because the provider refuses its first request. */
const refusedAfter = 2_000
const idIn = /\[burn ([0-9a-hjkmnp-tv-z]{13})\]/

/** An agent in a pane. It works on the first prompt of its queue. */
export class SimulatedAgent {
  readonly pane: string
  readonly worker: string
  pid: number
  alive = true
  /** Whether the agent shows a question. The turn waits for the answer. */
  asks = false
  /** Whether the running turn goes on without end. */
  hangs = false
  /** The text in the composer. */
  composer = ''
  /** The id of the last text that burn typed into the pane. */
  last_text = ''
  /** Received prompts. The agent works on the first prompt of the queue. */
  readonly queue: Prompt[] = []
  /** If true, the agent receives only the beginning of a submitted text, and its hook reports this shorter text. */
  mangles = false
  /** The conversation that the agent's hook reported last; null if it has reported none. */
  conversation: string | null = null
  #id: string | null = null
  /** The last report of the agent's hook. */
  #signal = ''
  /** The last submitted lines, as the screen shows them. */
  #shown: string[] = []
  #began = 0
  /** The error of the last turn; empty if the turn succeeded. */
  #failure = ''
  /** Total duration of ended turns (ms). */
  busy = 0
  /** Number of ended turns. */
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

  /** The error of the last turn; empty if the turn succeeded. */
  get failure(): string {
    return this.#failure
  }

  paste(text: string): void {
    this.composer += text
  }

  /**
   * Submits the composer's text as a prompt, which waits until the running turn ends. If a line names a file, `read` returns the text of
   * that file.
   */
  enter(read: (line: string) => string): void {
    const text = this.composer
    const found = idIn.exec(text)?.[1]
    this.composer = ''
    if (found === undefined) return
    const id = copyOf(found)
    const taken = copyOf(this.mangles ? text.slice(0, 40) : text)
    this.#shown = [...this.#shown, taken].slice(-4)
    if (this.mangles) this.#signal = `1 ${Math.floor(this.#world.clock.now() / 1000)} UserPromptSubmit - ${id}:${lineChecksum(taken)}`
    this.queue.push(this.#world.received(this, id, read(taken)))
    if (this.queue.length === 1) this.#begin()
    this.#world.changed(this)
  }

  /** Shows a question, or receives its answer. */
  ask(asks: boolean): void {
    this.asks = asks
    this.#world.changed(this)
  }

  /** Ends the agent's process. The agent's queue of prompts is lost. */
  die(): void {
    this.busy += this.workedFor()
    this.alive = false
    this.queue.length = 0
    this.composer = ''
    this.asks = false
    this.hangs = false
    this.#failure = ''
    this.#world.changed(this)
  }

  /** Starts a new agent process in the pane. */
  start(pid: number, id: string | null = null): void {
    this.pid = pid
    this.#id = id
    this.alive = true
    this.#shown = []
    this.#signal = ''
    this.conversation = null
    this.#world.changed(this)
  }

  /** Returns the time (ms) since the running turn began. */
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
      if (this.asks || this.hangs) return clock.at(clock.now() + 60_000, end)
      const refusal = this.#world.refuses(this)
      if (refusal !== null) return this.#end(refusal)
      this.turns += 1
      this.#end('')
      this.#world.turnEnded(prompt)
    }
    clock.at(clock.now() + (refused ? refusedAfter : this.#world.turn(prompt)), end)
  }

  #end(failure: string): void {
    this.busy += this.workedFor()
    this.queue.shift()
    this.#failure = failure
    this.#begin()
    this.#world.changed(this)
  }

  /** Returns the rows of the agent's screen. */
  screen(): readonly string[] {
    const failed = this.#failure === '' ? '' : `✕ ${this.#failure}`
    const state = this.asks ? '? may I (y/n)' : this.working ? '● working' : failed
    return ['agent 1.0', ...this.#shown, state, ...`❯ ${this.composer}`.split('\n')]
  }

  /** Returns the agent's pane, with the facts that tmux reports. */
  facts(made: Pick<Pane, 'window_id'>): Pane {
    const defaults = {
      session_id: '$0',
      made_for: null,
      started: null,
      agent_id: this.#id,
      made: true,
      retiring: false,
      last_text: this.last_text,
      signal: this.#signal === '' && this.conversation !== null ? `1 1 turn - - ${this.conversation}` : this.#signal,
      limits: '',
      label: null,
      in_mode: false,
      input: 'open' as const,
      title: '',
      keyed_at: null,
    }
    return {
      ...defaults,
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
