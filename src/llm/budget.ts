/** Counts a conversation's turns, tokens, time and money, and aborts the turn that exceeds its time. */
import type { Clock } from '../core/ports.ts'
import type { Budget, Failure, TokenUsage, Usage } from '../core/sprint.ts'

/** Node's longest timer (ms): a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1

export interface BudgetTracker {
  /** Counts a turn that has ended. */
  add(spent: TokenUsage, turns?: number): void
  /** Returns the limit that is used up; null while there is budget left. */
  limitFailure(): Failure | null
  usage(): Usage
  /** Begins a turn. Its time counts until `end`; the time between turns does not count. */
  begin(stop: AbortSignal): Turn
}

/** One turn: the work between a text from burn and the end of its answer. */
export interface Turn {
  /** Aborts when the turn is stopped, or when the time is used up. */
  readonly signal: AbortSignal
  /** Returns why `signal` aborted; null if it did not. */
  ended(): Failure | null
  end(): void
}

/** Returns a tracker that has used none of the budget. */
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
          if (stop.aborted) return { class: 'stopped', reason: 'it was stopped' }
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

/** Returns a signal that aborts if nobody calls `poke` for `ms` milliseconds. */
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
 * Runs one turn, unless the budget is used up already. Returns null on success. It throws nothing: `failed` turns an error into a failure.
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
