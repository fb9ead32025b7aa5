/**
 * What an agent is doing, from two witnesses: its screen, and the last event that its own hook told of. Where they agree, that is it. Where they
 * don't, the order below decides; what makes a worker look free needs more than what makes it look busy.
 *
 * | hook says | screen says | reading |
 * |---|---|---|
 * | anything | dead, waiting | what the screen says: the box is open, or the pane is dead |
 * | working | idle | working for 10 s (the screen is late), then unknown; after 60 s idle: an interrupted turn ends without an event |
 * | waiting | idle | waiting for 10 s, then unknown; after 60 s idle: a question that was dismissed ends without an event |
 * | waiting | working | waiting for 3 s, then working: it was answered |
 * | working, waiting | unknown, starting | what the hook says |
 * | error | idle, unknown | error: few screens tell that a turn failed |
 * | error | working | what the screen says: an error that is retried is told, too |
 * | idle | unknown, starting, error, working | what the screen says: nothing is idle without its composer, and background work has no event |
 */
import type { HookState, ParsedScreen, HookEvent } from '../core/agent.ts'
import type { Reading, ReadingState, Time } from '../core/nouns.ts'

/** Milliseconds for which a screen may be late, a new answer settles, and a contradiction stays open. */
const late = 10_000
const settling = 3_000
const contradicted = 60_000

/** `now` is of the same clock as the signal's time: its machine's. */
export function mergeReading(look: ParsedScreen, signal: HookEvent | null, heard: HookState | null, now: Time): Reading {
  const screen = look.reading
  if (signal === null || heard === null) return screen
  const age = Math.max(0, now - signal.at)
  const told = `hook ${signal.event} ${Math.round(age / 1000)} s ago`
  if (screen.state === heard.state)
    return { ...screen, detail: moreOf(screen.detail, heard.detail), evidence: `${screen.evidence}; ${told}` }
  const state = stateOf(screen.state, heard.state, age)
  if (state === screen.state) return { ...screen, evidence: `${screen.evidence}; ${told} said ${heard.state}` }
  const detail = state === heard.state ? heard.detail : null
  return { state, detail, evidence: `${told}; the screen says ${screen.state}: ${screen.evidence}` }
}

/** The screen says more of what it shows, but for a failure that it has no name for. */
function moreOf(screen: string | null, heard: string | null): string | null {
  return screen === null || (screen === 'turn failed' && heard !== null) ? heard : screen
}

function stateOf(screen: ReadingState, heard: ReadingState, age: number): ReadingState {
  switch (screen) {
    case 'idle':
      if (heard === 'error') return 'error'
      if (heard !== 'working' && heard !== 'waiting') return 'idle'
      return age < late ? heard : age < contradicted ? 'unknown' : 'idle'
    case 'working':
      return heard === 'waiting' && age < settling ? 'waiting' : 'working'
    case 'error':
      return heard === 'working' && age < settling ? 'working' : 'error'
    case 'unknown':
    case 'starting':
      return heard === 'working' || heard === 'waiting' || heard === 'error' ? heard : screen
    case 'waiting':
    case 'dead':
    case 'unreachable':
      return screen
  }
}
