/** The screen of `burn watch` and `burn start` on a terminal. It draws reports, reads keys and carries out their steps. */
import type { WorkerId } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import type { WatchUpdate } from '../observe/watch.ts'
import type { StatusReport } from '../decide/report.ts'
import type { Io } from './io.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { answeredText } from './answer-lines.ts'
import { readKeys } from './keys.ts'
import { LiveScreen } from './live-screen.ts'
import { workerNamed } from './named.ts'
import { bodyOf, pageOf, watchLines, type Body, type Shown } from './watch-lines.ts'
import { firstView, press, settleView, withNotice, withQuestion, type ShownQuestion, type Step } from './watch-view.ts'

/** Time (ms) for which the line of a changed worker is bold. */
const highlightTime = 5_000
/** Pause between two redraws (ms). They update the ages. */
const redrawInterval = 1_000
/** The maximum length of a message. */
const maxNotice = 300
/** Time (ms) in which the rest of a key or of a paste must arrive. */
const keyTime = { key: 50, paste: 2_000 }

/** The number of lines about events that burn keeps for the screen. */
const maxNews = 20

/** The steps that keys ask for. */
export interface ScreenSteps {
  /** Returns a function that attaches the terminal, and returns a message if that failed. */
  attach(worker: WorkerId): Promise<() => Promise<string | null>>
  ask(worker: WorkerId): Promise<ShownQuestion>
  /** Answers the question, and returns a message about the result. */
  answer(question: ShownQuestion, choice: string): Promise<string>
}

/** Returns the steps on a real fleet. `rows` returns the height of the terminal. */
export function fleetSteps(session: Session, env: Readonly<Record<string, string | undefined>>, rows: () => number): ScreenSteps {
  return {
    async attach(id) {
      const { attachArgv, outsideTmux } = await import('../operate/attach.ts')
      const { runInTerminal } = await import('../host/exec.ts')
      const machine = session.fleet.machines.find(({ name }) => id.startsWith(`${name}/`))!
      const argv = outsideTmux(await attachArgv(machine, { worker: id }, rows(), session), env)
      return async () => {
        const exit = await runInTerminal(argv)
        return exit === 0 ? null : `tmux ended with exit code ${exit}`
      }
    },
    async ask(id) {
      const { markOf, readQuestion } = await import('../operate/answer.ts')
      const asked = await readQuestion(workerNamed(session.fleet, id), session)
      return { ...asked, mark: markOf(asked.question) }
    },
    async answer({ worker, mark }, choice) {
      const { answer } = await import('../operate/answer.ts')
      return answeredText(await answer(workerNamed(session.fleet, worker), choice, session, mark))
    },
  }
}

/** Shows the fleet on a terminal until `close`. A person quits it with a key, which aborts `quit`. */
export class FleetScreen {
  readonly #screen: LiveScreen
  readonly #clock: Clock
  readonly #steps: ScreenSteps
  readonly #quit = new AbortController()
  readonly #changed = new Map<WorkerId, number>()
  readonly #ticking: Promise<void>
  #report: StatusReport | null = null
  #view = firstView
  #body: Body = { head: '', lines: [], all: 0 }
  #page = 1
  #news: readonly string[] = []
  #bytes = ''
  /** Ends the wait for the rest of a key. */
  #rest = new AbortController()
  /** Whether another program has the terminal. */
  #isAway = false
  #failure: { readonly thrown: unknown } | null = null

  constructor(io: Io, clock: Clock, steps: ScreenSteps) {
    this.#screen = new LiveScreen(io, { onKeys: (text) => this.#read(text), onResize: () => this.#draw() })
    this.#clock = clock
    this.#steps = steps
    this.#draw()
    this.#ticking = this.#tick()
  }

  /** Aborted when a person quits, or when a step fails. */
  get quit(): AbortSignal {
    return this.#quit.signal
  }

  /** Shows a new report. */
  show({ report, changes }: WatchUpdate): void {
    this.#report = report
    for (const { worker, from, at } of changes) if (from !== null) this.#changed.set(worker, at)
    this.#draw()
  }

  /** Shows a line about an event, above the footer. Later lines replace it. */
  say(text: string): void {
    this.#news = [...this.#news, text].slice(-maxNews)
    this.#draw()
  }

  /** Restores the terminal. Throws the error of a failed step. */
  async close(): Promise<void> {
    this.#quit.abort()
    await this.#ticking
    this.#screen.close()
    if (this.#failure !== null) throw this.#failure.thrown
  }

  async #tick(): Promise<void> {
    while (!this.#quit.signal.aborted) {
      await this.#clock.sleep(redrawInterval, this.#quit.signal)
      this.#draw()
    }
  }

  #draw(): void {
    if (this.#isAway || this.#quit.signal.aborted) return
    this.#screen.draw((io, height) => {
      const news = this.#news.slice(-Math.max(1, Math.floor(height / 5)))
      const now = this.#clock.now()
      const fresh = new Set([...this.#changed].flatMap(([worker, at]) => (now - at < highlightTime ? [worker] : [])))
      const shown: Shown | null = this.#report === null ? null : { report: this.#report, fresh, now }
      if (shown !== null) this.#body = bodyOf(shown, this.#view.filter, io)
      this.#page = pageOf(height - news.length)
      this.#view = settleView(this.#view, { lines: this.#body.lines, page: this.#page })
      return watchLines({ shown, view: this.#view, body: this.#body, news }, io, height)
    })
  }

  #read(text: string): void {
    this.#rest.abort()
    const { keys, rest } = readKeys(this.#bytes + text)
    this.#bytes = rest
    for (const key of keys) this.#press(key)
    if (rest !== '') void this.#readRest(rest.startsWith('\x1b[200~') ? keyTime.paste : keyTime.key)
    this.#draw()
  }

  /** Reads an incomplete sequence as it is, if nothing follows in time. */
  async #readRest(time: number): Promise<void> {
    const rest = new AbortController()
    this.#rest = rest
    await this.#clock.sleep(time, rest.signal)
    if (rest.signal.aborted) return
    const { keys } = readKeys(this.#bytes, true)
    this.#bytes = ''
    for (const key of keys) this.#press(key)
    this.#draw()
  }

  #press(key: Parameters<typeof press>[1]): void {
    const { view, step } = press(this.#view, key, { lines: this.#body.lines, page: this.#page })
    this.#view = view
    if (step?.do === 'quit') this.#quit.abort()
    else if (step !== null) void this.#carryOut(step)
  }

  async #carryOut(step: Exclude<Step, { readonly do: 'quit' }>): Promise<void> {
    try {
      if (step.do === 'ask') this.#view = withQuestion(this.#view, await this.#steps.ask(step.worker))
      else if (step.do === 'answer') this.#view = withNotice(this.#view, await this.#steps.answer(step.question, step.choice))
      else this.#view = withNotice(this.#view, await this.#attach(step.worker))
    } catch (thrown) {
      if (thrown instanceof BurnError) this.#view = withNotice(this.#view, oneLine(`${thrown.message} (${thrown.hint})`, maxNotice))
      else {
        this.#failure = { thrown }
        this.#quit.abort()
      }
    }
    this.#draw()
  }

  async #attach(worker: WorkerId): Promise<string | null> {
    const run = await this.#steps.attach(worker)
    this.#isAway = true
    this.#screen.close()
    try {
      return await run()
    } finally {
      this.#isAway = false
    }
  }
}
