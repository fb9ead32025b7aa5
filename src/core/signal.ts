/** What an agent's hook wrote last, as it stands in its pane's `@burn_signal`: `<seq> <seconds> <event> <detail or -> <id,id or ->`. */
import type { Signal } from './agent.ts'

const written = /^(\d{1,15}) (\d{1,12}) ([\w.:-]{1,64}) (-|[\w.:-]{1,64}) (-|[0-9a-z]{13}(?:,[0-9a-z]{13}){0,9})$/

/** Null for whatever no hook of ours writes: an agent, or a person, may set the option to anything. */
export function parseSignal(text: string): Signal | null {
  const [, seq, at, event, detail, ids] = written.exec(text) ?? []
  if (seq === undefined || at === undefined || event === undefined || ids === undefined) return null
  return {
    seq: Number(seq),
    at: Number(at) * 1000,
    event,
    detail: detail === undefined || detail === '-' ? null : detail,
    ids: ids === '-' ? [] : ids.split(','),
  }
}
