/**
 * Reads the state of an agent from two sources: its screen, and the last event of its hook. If they disagree, the table below decides. burn
 * calls a worker idle only with stronger evidence than it needs to call a worker busy.
 *
 * | hook | screen | reading |
 * |---|---|---|
 * | any | dead, waiting | the screen's state: the pane is dead, or a question is open |
 * | working | idle | working for 10 s (the screen may be late), then unknown; after 60 s idle: an interrupted turn ends without an event |
 * | waiting | idle | waiting for 10 s, then unknown; after 60 s idle: a question that was dismissed ends without an event |
 * | waiting | working | waiting for 3 s, then working: the question was answered |
 * | working, waiting | unknown, starting | the hook's state |
 * | error | idle, unknown | error: few screens show that a turn failed |
 * | error | working | the screen's state: hooks also report errors that the agent retries |
 * | idle | error | unknown for 3 s (the screen may show the turn before), then error |
 * | idle | unknown, starting, working | the screen's state: an idle agent shows its composer, and background work has no event |
 */
import type { HookState, ParsedScreen, HookEvent } from '../core/agent.ts'
import type { Reading, ReadingState, Time } from '../core/nouns.ts'

/** Maximum delay (ms) until a screen shows an event. */
const maxScreenDelay = 10_000
/** Time (ms) that an agent needs to redraw its screen after an event. */
const redrawTime = 3_000
/** If the last event is older than this (ms), burn believes the screen even if it contradicts the hook. */
const hookTimeout = 60_000

/** Returns the state of an agent. `now` and the time of the event are both from the clock of the agent's machine. */
export function mergeReading(parsed: ParsedScreen, event: HookEvent | null, hook: HookState | null, now: Time): Reading {
  const screen = parsed.reading
  if (event === null || hook === null) return screen
  const age = Math.max(0, now - event.at)
  const reported = `hook ${event.event} ${Math.round(age / 1000)} s ago`
  if (screen.state === hook.state)
    return { ...screen, detail: detailOf(screen.detail, hook.detail), evidence: `${screen.evidence}; ${reported}` }
  const state = stateOf(screen.state, hook.state, age)
  if (state === screen.state) return { ...screen, evidence: `${screen.evidence}; ${reported} said ${hook.state}` }
  const detail = state === hook.state ? hook.detail : null
  return { state, detail, evidence: `${reported}; the screen shows ${screen.state}: ${screen.evidence}` }
}

/** Returns the detail from the screen. Returns the hook's detail if the screen has none, or shows only that a turn failed. */
function detailOf(screen: string | null, hook: string | null): string | null {
  return screen === null || (screen === 'turn failed' && hook !== null) ? hook : screen
}

function stateOf(screen: ReadingState, hook: ReadingState, age: number): ReadingState {
  switch (screen) {
    case 'idle':
      if (hook === 'error') return 'error'
      if (hook !== 'working' && hook !== 'waiting') return 'idle'
      return age < maxScreenDelay ? hook : age < hookTimeout ? 'unknown' : 'idle'
    case 'working':
      return hook === 'waiting' && age < redrawTime ? 'waiting' : 'working'
    case 'error':
      if (age >= redrawTime) return 'error'
      return hook === 'working' ? 'working' : hook === 'idle' ? 'unknown' : 'error'
    case 'unknown':
    case 'starting':
      return hook === 'working' || hook === 'waiting' || hook === 'error' ? hook : screen
    case 'waiting':
    case 'dead':
    case 'unreachable':
      return screen
  }
}
