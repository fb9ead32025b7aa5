/** Counts the turns, tokens, time and cost of a conversation, and aborts a turn when its time limit is reached. */
import type { Clock } from '../core/ports.ts'
import type { Budget, Failure, TokenUsage, Usage } from '../core/sprint.ts'

/** Node's longest timer (ms). Node would fire a longer timer at once. */
const longestTimer = 2 ** 31 - 1

export interface BudgetTracker {
  /** Adds the usage of a turn that has ended. */
  add(spent: TokenUsage, turns?: number): void
  /** Returns a failure if one of the limits is reached, otherwise null. */
  limitFailure(): Failure | null
  usage(): Usage
  /** Begins a turn. Its time counts towards the time limit until `end` is called. Time between turns does not count. */
  begin(stop: AbortSignal): Turn
}

/** One turn: it begins when burn sends a prompt, and ends with the answer. */
export interface Turn {
  /** Aborts when the turn is stopped or the time limit is reached. */
  readonly signal: AbortSignal
  /** Returns why `signal` aborted; null if it has not aborted. */
  ended(): Failure | null
  end(): void
}

/** Returns a tracker for this budget, with nothing used yet. */
export function createBudgetTracker(budget: Budget, clock: Clock): BudgetTracker {
  let used: Usage = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null }
  let elapsed = 0
  const timeFailure = (): Failure => ({ class: 'budget', reason: `time limit reached: ${budget.time / 1000} s` })

  function limitFailure(): Failure | null {
    const tokens = used.tokens_in + used.tokens_out
    if (used.turns >= budget.turns) return { class: 'budget', reason: `turn limit reached: ${used.turns} of ${budget.turns}` }
    if (tokens >= budget.tokens) return { class: 'budget', reason: `token limit reached: ${tokens} of ${budget.tokens}` }
    if (budget.money !== null && (used.cost ?? 0) >= budget.money)
      return { class: 'budget', reason: `cost limit reached: $${(used.cost ?? 0).toFixed(4)} of $${budget.money}` }
    return elapsed >= budget.time ? timeFailure() : null
  }

  return {
    limitFailure,
    usage: () => used,
    add({ tokens_in, tokens_out, cost }, turns = 1) {
      used = {
        turns: used.turns + turns,
        tokens_in: used.tokens_in + tokens_in,
        tokens_out: used.tokens_out + tokens_out,
        cost: cost === null ? used.cost : (used.cost ?? 0) + cost,
      }
    },
    begin(stop) {
      const startedAt = clock.now()
      const timer = new AbortController()
      const timeout = setTimeout(() => timer.abort(), Math.min(longestTimer, Math.max(0, budget.time - elapsed)))
      return {
        signal: AbortSignal.any([stop, timer.signal]),
        ended: () => {
          if (stop.aborted) return { class: 'stopped', reason: 'the turn was stopped' }
          return timer.signal.aborted ? timeFailure() : null
        },
        end: () => {
          clearTimeout(timeout)
          elapsed += clock.now() - startedAt
        },
      }
    },
  }
}

/** Returns a signal that aborts if `poke` is not called for `ms` milliseconds. */
export function watchdog(ms: number): { readonly signal: AbortSignal; poke(): void; end(): void } {
  const control = new AbortController()
  const timer = setTimeout(() => control.abort(), ms)
  return {
    signal: control.signal,
    poke: () => void timer.refresh(),
    end: () => clearTimeout(timer),
  }
}

/**
 * Runs one turn, unless a limit is already reached. Returns null on success, otherwise a failure. Never throws: `failed` turns an error
 * into a failure.
 */
export async function inTurn(
  tracker: BudgetTracker,
  stop: AbortSignal,
  work: (turn: Turn) => Promise<Failure | null>,
  failed: (thrown: unknown) => Failure,
): Promise<Failure | null> {
  const turn = tracker.begin(stop)
  try {
    return turn.ended() ?? tracker.limitFailure() ?? (await work(turn))
  } catch (thrown) {
    return failed(thrown)
  } finally {
    turn.end()
  }
}
