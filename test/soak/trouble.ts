/** Injects trouble before and during a round, all by the seed. */
import type { LogLine, SoakFleet } from './fleet.ts'

/** The kinds of trouble. */
export type Trouble = 'none' | 'draft' | 'copy mode' | 'question' | 'busy' | 'resize' | 'death' | 'cut'

/** The trouble of one round. */
export interface Round {
  /** The troubles of each worker's pane. */
  readonly troubles: ReadonlyMap<string, Set<Trouble>>
  /** Drafts that a person left in composers, by worker. */
  readonly drafts: ReadonlyMap<string, string>
  /** The times of the questions that the person answered, in this round and before, by worker. */
  readonly answered: Map<string, Set<number>>
  /** Workers whose draft disappeared although the person did not clear it. */
  readonly destroyed: string[]
}

const pick = <T>(random: () => number, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T

/** Prepares a round: types drafts, enters copy mode and resizes windows. */
export function prepare(
  fleet: SoakFleet,
  chosen: readonly string[],
  random: () => number,
  { number, answered }: Pick<Round, 'answered'> & { readonly number: number },
): Round {
  const troubles = new Map<string, Set<Trouble>>(chosen.map((worker) => [worker, new Set()]))
  const drafts = new Map<string, string>()
  for (const worker of chosen) {
    const chance = random()
    if (chance < 0.12) {
      const draft = `draft-${number}-${worker.slice(worker.lastIndexOf('/') + 1)}`
      // No draft during a question: the keys would answer it.
      if (openQuestion(fleet, worker) === null) {
        fleet.tmux(worker, 'send-keys', '-t', fleet.pane(worker), '-l', draft)
        drafts.set(worker, draft)
        troubles.get(worker)?.add('draft')
      }
    } else if (chance < 0.22) {
      fleet.tmux(worker, 'copy-mode', '-t', fleet.pane(worker))
      troubles.get(worker)?.add('copy mode')
    }
  }
  if (random() < 0.25) {
    const width = pick(random, [180, 240, 400, 640])
    for (const machine of new Set(chosen.map((worker) => worker.slice(0, worker.indexOf('/'))))) {
      const one = chosen.find((worker) => worker.startsWith(`${machine}/`)) ?? ''
      fleet.tmux(one, 'resize-window', '-t', fleet.pane(one), '-x', String(width), '-y', '120')
      for (const worker of chosen.filter((each) => each.startsWith(`${machine}/`))) troubles.get(worker)?.add('resize')
    }
  }
  return { troubles, drafts, answered, destroyed: [] }
}

/** Acts as person, kernel and network during a round, until `over`: answers, clears drafts, kills agents and cuts connections. */
export async function disturb(
  fleet: SoakFleet,
  round: Round,
  random: () => number,
  sleep: (ms: number) => Promise<void>,
  over: () => boolean,
): Promise<void> {
  const workers = [...round.troubles.keys()]
  const cleared = new Set<string>()
  const delay = 300 + random() * 900
  for (let passed = 0; !over(); passed += 60) {
    await sleep(60)
    if (passed > delay) for (const [worker, draft] of round.drafts) if (!cleared.has(worker)) clearDraft(fleet, worker, draft, cleared)
    for (const worker of workers) ignoringDeadPanes(() => answerOpen(fleet, round, worker))
    if (passed > delay && random() < 0.3)
      for (const worker of workers.filter((each) => round.troubles.get(each)?.has('copy mode')))
        ignoringDeadPanes(() => leaveCopyMode(fleet, worker))
    if (random() < 0.004) ignoringDeadPanes(() => kill(fleet, round, pick(random, workers)))
    if (random() < 0.004) ignoringDeadPanes(() => cut(fleet, round, pick(random, workers)))
  }
  for (const worker of workers) ignoringDeadPanes(() => leaveCopyMode(fleet, worker))
  for (const [worker, draft] of round.drafts) {
    // The screen may still be redrawn, or a question may cover the draft.
    for (let tries = 0; tries < 30 && !cleared.has(worker); tries++) {
      ignoringDeadPanes(() => answerOpen(fleet, round, worker))
      clearDraft(fleet, worker, draft, cleared)
      if (!cleared.has(worker)) await sleep(100)
    }
    if (!cleared.has(worker) && round.troubles.get(worker)?.has('death') !== true) round.destroyed.push(worker)
  }
}

/** Runs an action, and ignores the error if its pane has died. */
function ignoringDeadPanes(act: () => void): void {
  try {
    act()
  } catch (thrown) {
    if (!/can't find pane|not in a mode|no server|lost server|ESRCH/i.test(String(thrown))) throw thrown
  }
}

/** Clears a draft if the screen shows it alone in the composer. */
function clearDraft(fleet: SoakFleet, worker: string, draft: string, cleared: Set<string>): void {
  ignoringDeadPanes(() => {
    const screen = fleet.tmux(worker, 'capture-pane', '-p', '-t', fleet.pane(worker))
    if (!screen.split('\n').some((row) => ` ${row.trimEnd()}`.endsWith(` ${draft}`))) return
    fleet.tmux(worker, 'send-keys', '-t', fleet.pane(worker), 'C-u')
    cleared.add(worker)
  })
}

function leaveCopyMode(fleet: SoakFleet, worker: string): void {
  if (fleet.tmux(worker, 'display-message', '-p', '-t', fleet.pane(worker), '#{pane_in_mode}') === '1')
    fleet.tmux(worker, 'send-keys', '-t', fleet.pane(worker), '-X', 'cancel')
}

/** Returns the open question of an agent by its own log; null if there is none. */
function openQuestion(fleet: SoakFleet, worker: string): LogLine | null {
  const last = fleet.log(worker).findLast(({ event }) => ['asked', 'answered', 'exit', 'start'].includes(event))
  return last?.event === 'asked' ? last : null
}

/** Answers the open question, if there is one, with the first choice. */
function answerOpen(fleet: SoakFleet, round: Round, worker: string): void {
  const last = openQuestion(fleet, worker)
  if (last === null || round.answered.get(worker)?.has(last.at) === true) return
  if (fleet.tmux(worker, 'display-message', '-p', '-t', fleet.pane(worker), '#{pane_in_mode}') === '1') return
  round.troubles.get(worker)?.add('question')
  round.answered.set(worker, (round.answered.get(worker) ?? new Set()).add(last.at))
  fleet.tmux(worker, 'send-keys', '-t', fleet.pane(worker), ...fleet.habit(worker).first)
}

function kill(fleet: SoakFleet, round: Round, worker: string): void {
  const pid = Number(fleet.tmux(worker, 'display-message', '-p', '-t', fleet.pane(worker), '#{pane_pid}'))
  if (!(pid > 1)) return
  round.troubles.get(worker)?.add('death')
  process.kill(pid, 'SIGKILL')
}

/** Cuts the connection to a worker's machine. */
function cut(fleet: SoakFleet, round: Round, worker: string): void {
  const machine = worker.slice(0, worker.indexOf('/') + 1)
  for (const each of round.troubles.keys()) if (each.startsWith(machine)) round.troubles.get(each)?.add('cut')
  for (const row of fleet.tmux(worker, 'list-clients', '-F', '#{client_pid} #{client_control_mode}').split('\n')) {
    const [pid = '', control] = row.split(' ')
    if (control === '1' && Number(pid) > 1) process.kill(Number(pid), 'SIGKILL')
  }
}
