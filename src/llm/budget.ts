/** What a conversation may use up: turns, tokens, time and money; and the signals that end a turn of it. */
import type { Clock } from '../core/ports.ts'
import type { Budget, Failure, TokenUsage, Usage } from '../core/sprint.ts'

const longestTimer = 2 ** 31 - 1

export interface BudgetTracker {
  /** A turn has ended; with what it used. */
  add(spent: TokenUsage, turns?: number): void
  /** Why nothing more may be used; null while something is left. */
  over(): Failure | null
  usage(): Usage
  /** A turn begins: time counts until `end`, and not between turns. */
  begin(stop: AbortSignal): Turn
}

/** One `say`. */
export interface Turn {
  /** Aborted when it was stopped, or its time is used up. */
  readonly signal: AbortSignal
  /** Which of the two; null while neither. */
  ended(): Failure | null
  end(): void
}

export function createBudgetTracker(budget: Budget, clock: Clock): BudgetTracker {
  let used: Usage = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null }
  let time = 0
  const late = (): Failure => ({ class: 'budget', reason: `its ${budget.time / 1000} s are used up` })

  function over(): Failure | null {
    const tokens = used.tokens_in + used.tokens_out
    if (used.turns >= budget.turns) return { class: 'budget', reason: `${used.turns} of ${budget.turns} turns are used up` }
    if (tokens >= budget.tokens) return { class: 'budget', reason: `${tokens} of ${budget.tokens} tokens are used up` }
    if (budget.money !== null && (used.cost ?? 0) >= budget.money)
      return { class: 'budget', reason: `$${(used.cost ?? 0).toFixed(4)} of $${budget.money} are used up` }
    return time >= budget.time ? late() : null
  }

  return {
    over,
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
      const from = clock.now()
      const timer = new AbortController()
      const running = setTimeout(() => timer.abort(), Math.min(longestTimer, Math.max(0, budget.time - time)))
      return {
        signal: AbortSignal.any([stop, timer.signal]),
        ended: () => {
          if (stop.aborted) return { class: 'stopped', reason: 'it was stopped' }
          return timer.signal.aborted ? late() : null
        },
        end: () => {
          clearTimeout(running)
          time += clock.now() - from
        },
      }
    },
  }
}

/** Aborts once nobody has poked it for `ms`. */
export function watchdog(ms: number): { readonly signal: AbortSignal; poke(): void; end(): void } {
  const control = new AbortController()
  const timer = setTimeout(() => control.abort(), ms)
  return {
    signal: control.signal,
    poke: () => void timer.refresh(),
    end: () => clearTimeout(timer),
  }
}

/** Does the work of a turn, unless its budget is used up before; the turn ends whatever happens. Null where it went well. */
export async function inTurn(
  account: BudgetTracker,
  stop: AbortSignal,
  work: (turn: Turn) => Promise<Failure | null>,
  failed: (thrown: unknown) => Failure,
): Promise<Failure | null> {
  const turn = account.begin(stop)
  try {
    return turn.ended() ?? account.over() ?? (await work(turn))
  } catch (thrown) {
    return failed(thrown)
  } finally {
    turn.end()
  }
}
