/** Functions for the readers of usage: they parse records of unknown shape, and compute differences between running totals. */
import type { Tokens, Use, UsedModel } from '../core/usage.ts'
import type { Time } from '../core/nouns.ts'
import { countOf, itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'

/** Returns the objects on those lines that contain one of the words. burn parses no other line, because most of a session is text. */
export function recordsWith(lines: readonly string[], ...words: readonly string[]): JsonObject[] {
  return lines.flatMap((line) => (words.some((word) => line.includes(word)) ? [membersOf(parseJson(line)?.value)] : []))
}

/** Returns the text of a message: a text, or the first part of a list if this part has a text. Null if there is none. */
export function messageText(content: unknown): string | null {
  return stringOf(content) ?? stringOf(membersOf(itemsOf(content)[0])['text'])
}

/** Returns the time of an ISO timestamp; null if it is none. */
export function recordTime(value: unknown): Time | null {
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? null : time
}

/** Returns the mark of a request that is not a part of the conversation itself. */
export function asideIf(holds: boolean): Pick<Use, 'aside'> {
  return holds ? { aside: true } : {}
}

/** Returns the conversation of a request, if it is known. */
export function inSession(session: string | null): Pick<Use, 'session'> {
  return session === null ? {} : { session }
}

/** Returns the sum of counts; null if all of them are unknown. */
export function sumOf(...counts: readonly (number | null)[]): number | null {
  return counts.every((count) => count === null) ? null : counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
}

/** Returns `input` without the parts that were read from or written to a cache, for agents whose input includes these parts. */
export function uncached(input: number, ...cached: readonly (number | null)[]): number {
  return Math.max(0, input - (sumOf(...cached) ?? 0))
}

/** The name of a model, if the agent asked for a model and got an answer from it. */
export function sameModel(model: string, provider = ''): UsedModel {
  return { provider, model_asked: model, model_answered: model, subscription: null }
}

const names = ['calls', 'input', 'cache_read', 'cache_write', 'output', 'reasoning', 'reported_cost'] as const

/**
 * Returns the tokens that a running total added since an earlier value. If a number is lower than before, the count began anew, and the
 * result is the whole total.
 */
export function addedTokens(total: Tokens, before: Tokens): Tokens {
  const anew = names.some((name) => (total[name] ?? 0) < (before[name] ?? 0))
  if (anew) return total
  const minus = (name: (typeof names)[number]) => {
    const now = total[name]
    return now === null ? null : now - (before[name] ?? 0)
  }
  return {
    calls: total.calls - before.calls,
    input: total.input - before.input,
    output: total.output - before.output,
    cache_read: minus('cache_read'),
    cache_write: minus('cache_write'),
    reasoning: minus('reasoning'),
    reported_cost: minus('reported_cost'),
  }
}

/** Returns true if at least one number is not 0. */
export function hasTokens(tokens: Tokens): boolean {
  return names.some((name) => (tokens[name] ?? 0) !== 0)
}

/** Returns the counts of a usage record, without its time and model. */
export function usedTokens({ calls, input, cache_read, cache_write, output, reasoning, reported_cost }: Tokens): Tokens {
  return { calls, input, cache_read, cache_write, output, reasoning, reported_cost }
}

/** Returns tokens that a reader saved in its state; null if the value is not of this shape. */
export function savedTokens(value: unknown): Tokens | null {
  const saved = membersOf(value)
  const of = (name: (typeof names)[number]) => countOf(saved[name])
  const [calls, input, output] = [of('calls'), of('input'), of('output')]
  if (calls === null || input === null || output === null) return null
  return {
    calls,
    input,
    output,
    cache_read: of('cache_read'),
    cache_write: of('cache_write'),
    reasoning: of('reasoning'),
    reported_cost: of('reported_cost'),
  }
}

/** The number of requests of one file whose tokens a reader remembers. Repetitions of a request follow soon after it. */
const remembered = 32

/** The requests that a reader counted last in one file, by their name, with the tokens that it counted. */
export type RecentUses = ReadonlyMap<string, Tokens>

/** Returns the requests that `saveRecent` saved. */
export function loadRecent(saved: unknown): Map<string, Tokens> {
  return new Map(
    Object.entries(membersOf(saved)).flatMap(([name, value]) => {
      const tokens = savedTokens(value)
      return tokens === null ? [] : [[name, tokens] as const]
    }),
  )
}

/** Returns the newest requests, as JSON for the state of a reader. */
export function saveRecent(recent: RecentUses): JsonObject {
  return Object.fromEntries([...recent].slice(-remembered))
}

/**
 * Returns the use, or, if the file had the same request before, only the tokens that the last record has in addition. Null if there are
 * none. The last record of a request counts, because an agent records a request again when it knows more.
 */
export function countOnce(name: string, use: Use, recent: Map<string, Tokens>): Use | null {
  const before = recent.get(name)
  recent.delete(name)
  recent.set(name, usedTokens(use))
  if (before === undefined) return use
  const added = addedTokens(usedTokens(use), before)
  return hasTokens(added) && added.calls === 0 ? { ...use, ...added, ids: [] } : null
}
