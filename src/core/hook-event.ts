/**
 * Parses the last event of an agent's hook from the pane option `@burn_signal`. The option has six words: a number, the time in seconds,
 * the event, a detail, a list of ids that are separated by commas, and the conversation. An id may have a checksum after a colon. `-` stands
 * for an empty word. The hook of an older burn wrote five words.
 */
import type { HookEvent } from './agent.ts'

const written =
  /^(\d{1,15}) (\d{1,12}) ([\w.:-]{1,64}) (-|[\w.:-]{1,160}) (-|[0-9a-z]{13}(?::\d{1,10})?(?:,[0-9a-z]{13}(?::\d{1,10})?){0,9})(?: (-|[\w.:-]{1,160}))?$/

/** Returns the event; null if the text does not have the format of the hook. An agent or a person may set the option to anything. */
export function parseHookEvent(text: string): HookEvent | null {
  const [, seq, at, event, detail, ids, conversation] = written.exec(text) ?? []
  if (seq === undefined || at === undefined || event === undefined || ids === undefined) return null
  return {
    seq: Number(seq),
    at: Number(at) * 1000,
    event,
    detail: detail === undefined || detail === '-' ? null : detail,
    conversation: conversation === undefined || conversation === '-' ? null : conversation,
    deliveries: ids === '-' ? [] : ids.split(',').map((word) => ({ id: word.slice(0, 13), sum: word.length > 14 ? word.slice(14) : null })),
  }
}
