/** The state of the screen of `burn watch`, and how keys change it. Pure. */
import type { WorkerId } from '../core/nouns.ts'
import type { PressedKey } from './keys.ts'

/** A question of an agent, as `burn answer` shows it. */
export interface ShownQuestion {
  readonly worker: WorkerId
  readonly detail: string | null
  readonly question: string
  /** The hash with which burn answers no other question. */
  readonly mark: string
}

/** The state of the screen. */
export interface View {
  /** `filter`: keys change the filter. `question`: a question is shown, and keys change the answer. */
  readonly mode: 'list' | 'filter' | 'help' | 'question'
  /** The key of the selected line; null before a person moves the selection: then the first line is selected. */
  readonly selected: string | null
  /** The index of the selected line, and of the first visible line. */
  readonly at: number
  readonly top: number
  readonly filter: string
  readonly question: ShownQuestion | null
  /** The answer that a person has typed so far. */
  readonly answer: string
  /** The first visible line of the question. */
  readonly offset: number
  /** A message about the last step; null if there is none. */
  readonly notice: string | null
  /** Whether burn carries out a step. Meanwhile, only the keys that quit have an effect. */
  readonly busy: boolean
}

export const firstView: View = {
  mode: 'list',
  selected: null,
  at: 0,
  top: 0,
  filter: '',
  question: null,
  answer: '',
  offset: 0,
  notice: null,
  busy: false,
}

/** A line of the list. Only the lines of workers have a worker. */
export interface ListLine {
  readonly key: string
  readonly worker: WorkerId | null
}

/** The lines that the filter admits, and the number of lines that the screen shows at once. */
export interface List {
  readonly lines: readonly ListLine[]
  readonly page: number
}

/** A step that a key asks for. */
export type Step =
  | { readonly do: 'quit' }
  | { readonly do: 'attach' | 'ask'; readonly worker: WorkerId }
  | { readonly do: 'answer'; readonly question: ShownQuestion; readonly choice: string }

/** The state after a key, and the step that the key asks for; null if it asks for none. */
export interface Pressed {
  readonly view: View
  readonly step: Step | null
}

/** Returns the state after a key. */
export function press(view: View, key: PressedKey, list: List): Pressed {
  if (key.name === 'interrupt') return { view, step: { do: 'quit' } }
  if (view.busy) return key.name === 'text' && key.text === 'q' ? { view, step: { do: 'quit' } } : { view, step: null }
  const fresh = { ...view, notice: null }
  if (view.mode === 'help') return { view: { ...fresh, mode: 'list' }, step: null }
  if (view.mode === 'question') return inQuestion(fresh, key, list)
  return view.mode === 'filter' ? { view: inFilter(fresh, key, list), step: null } : inList(fresh, key, list)
}

function inList(view: View, key: PressedKey, list: List): Pressed {
  const only = (next: View): Pressed => ({ view: next, step: null })
  const moved = movedBy(view, key, list)
  if (moved !== null) return only(moved)
  if (key.name === 'enter') return onWorker(view, 'attach', list)
  if (key.name === 'escape') return only(settleView({ ...view, filter: '' }, list))
  if (key.name !== 'text') return only(view)
  if (key.text === 'q') return { view, step: { do: 'quit' } }
  if (key.text === 'a') return onWorker(view, 'ask', list)
  if (key.text === '/') return only({ ...view, mode: 'filter' })
  return only(key.text === '?' ? { ...view, mode: 'help' } : view)
}

function onWorker(view: View, step: 'attach' | 'ask', { lines }: List): Pressed {
  const worker = lines[view.at]?.worker ?? null
  if (worker === null)
    return {
      view: { ...view, notice: lines.length === 0 ? 'The list is empty.' : 'This line is not a worker. Select a worker.' },
      step: null,
    }
  return { view: { ...view, busy: true }, step: { do: step, worker } }
}

/** Returns the state after a key that moves the selection; null if the key does not. */
function movedBy(view: View, key: PressedKey, list: List): View | null {
  const name = key.name === 'text' ? (letters[key.text] ?? 'other') : key.name
  const step = moves(list.page).get(name)
  return step === undefined ? null : select(view, view.at + step, list)
}

/** Returns the number of lines that each key moves by. `page`: the number of visible lines. */
function moves(page: number): ReadonlyMap<PressedKey['name'], number> {
  return new Map([
    ['up', -1],
    ['down', 1],
    ['page_up', -page],
    ['page_down', page],
    ['home', -Infinity],
    ['end', Infinity],
  ])
}

const letters: Readonly<Record<string, PressedKey['name']>> = { k: 'up', j: 'down', g: 'home', G: 'end', ' ': 'page_down', b: 'page_up' }

function select(view: View, index: number, list: List): View {
  const at = Math.max(0, Math.min(list.lines.length - 1, index))
  return settleView({ ...view, at, selected: list.lines[at]?.key ?? null }, list)
}

/** Returns the state after the list has changed: the selection stays on its line, and its line is visible. */
export function settleView(view: View, { lines, page }: List): View {
  const found = lines.findIndex(({ key }) => key === view.selected)
  const at = view.selected === null ? 0 : found >= 0 ? found : Math.max(0, Math.min(lines.length - 1, view.at))
  const top = Math.max(0, Math.min(view.top, at, lines.length - page), at - page + 1)
  return at === view.at && top === view.top ? view : { ...view, at, top }
}

function inFilter(view: View, key: PressedKey, list: List): View {
  if (key.name === 'enter') return { ...view, mode: 'list' }
  if (key.name === 'escape') return { ...view, mode: 'list', filter: '' }
  const filter = typed(view.filter, key)
  // The lines of the new filter are not known here. The first of them is selected.
  if (filter !== null) return { ...view, filter, selected: null, at: 0, top: 0 }
  return key.name === 'text' ? view : (movedBy(view, key, list) ?? view)
}

function inQuestion(view: View, key: PressedKey, { page }: List): Pressed {
  const only = (next: View): Pressed => ({ view: next, step: null })
  if (key.name === 'escape' || view.question === null) return only({ ...view, mode: 'list', question: null, answer: '' })
  if (key.name === 'enter') {
    const choice = view.answer.trim()
    return choice === '' ? only(view) : { view: { ...view, busy: true }, step: { do: 'answer', question: view.question, choice } }
  }
  const answer = typed(view.answer, key)
  if (answer !== null) return only({ ...view, answer })
  const last = Math.max(0, view.question.question.split('\n').length - 1)
  return only({ ...view, offset: Math.max(0, Math.min(last, view.offset + (moves(page).get(key.name) ?? 0))) })
}

/** Returns a typed text after a key; null if the key does not change it. */
function typed(text: string, key: PressedKey): string | null {
  if (key.name === 'text') return (text + key.text).slice(0, 1000)
  if (key.name === 'backspace') return Array.from(text).slice(0, -1).join('')
  return key.name === 'clear' ? '' : null
}

/** Returns the state that shows a question. */
export function withQuestion(view: View, question: ShownQuestion): View {
  return { ...view, mode: 'question', question, answer: '', offset: 0, busy: false }
}

/** Returns the state after a step: the list with a message. */
export function withNotice(view: View, notice: string | null): View {
  return { ...view, mode: view.mode === 'question' ? 'list' : view.mode, question: null, answer: '', notice, busy: false }
}
