/** Texts into panes, as data: what is placed and submitted, under a guard that tmux itself checks at that very moment. */
import type { Keystrokes } from '../core/agent.ts'
import type { Target, Typed, Typing } from '../core/pane-host.ts'
import type { TmuxCommand, TmuxReply } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { renderLine } from './quote.ts'

const DONE = 'burn-done'
const REFUSED = 'burn-refused'
const BEGIN = '\u001b[200~'
const END = '\u001b[201~'
/** Where what is typed into a pane goes: `open` is the pane itself and nobody else. Not known to every version: what is missing is not set. */
const input = '#{?pane_input_off,disabled,#{?pane_synchronized,synchronized,open}}'
const refusal =
  '#{?pane_input_off,input to its pane is disabled,#{?pane_synchronized,synchronize-panes is on in its pane,its agent is gone or its pane is in a tmux mode}}'
/** From here on tmux takes control bytes out of buffers that it pastes; keys still pass. */
const SANITIZES = 3.7

/**
 * The line that places a text. `buffer` names a paste buffer that nothing else uses; it is gone afterwards in every case.
 * Throws `bad_text` for control bytes, which `sanitize` should have taken out.
 */
export function placeLine(target: Target, pieces: readonly Keystrokes[], buffer: string, version: string): readonly TmuxCommand[] {
  const parts = pieces.flatMap((piece, i) =>
    'paste' in piece
      ? pastePart(target, piece.paste, `${buffer}-${i}`, version)
      : 'type' in piece
        ? typePart(target, piece.type, `${buffer}-${i}`)
        : [{ insert: [['send-keys', '-t', target.pane, piece.key]] }],
  )
  return guarded(target, parts, version)
}

/** The line that presses Enter, or the key whose bytes submit instead. Pasted, not typed: in copy mode a typed key would go to tmux and not to the agent. */
export function submitLine(target: Target, buffer: string, version: string, key = '\r'): readonly TmuxCommand[] {
  const part = stripsControlBytes(version) ? { insert: [keys(target, key)] } : raw(target, key, buffer)
  return guarded(target, [part], version)
}

/** The line that types what a `PaneHost` is asked to. */
export function typingLine(typing: Typing, version: string): readonly TmuxCommand[] {
  const buffer = `burn-${typing.id}`
  return 'place' in typing
    ? placeLine(typing.target, typing.place, buffer, version)
    : submitLine(typing.target, buffer, version, typing.submit)
}

export function typedResult(reply: TmuxReply): Typed {
  const said = reply.lines.at(-1) ?? ''
  if (reply.ok && said === DONE) return { outcome: 'done', why: '' }
  if (reply.ok && said.startsWith(REFUSED)) return { outcome: 'refused', why: said.slice(REFUSED.length + 1) }
  return { outcome: 'failed', why: reply.error ?? said }
}

/** Something that reaches the pane: the buffer it needs, and the commands that insert it. */
interface Part {
  readonly buffer?: { readonly name: string; readonly text: string }
  readonly insert: readonly TmuxCommand[]
}

function pastePart(target: Target, text: string, name: string, version: string): Part[] {
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text)) throw badText()
  if (!stripsControlBytes(version)) return [raw(target, BEGIN + text + END, name)]
  return [{ insert: [keys(target, BEGIN)] }, ...(text === '' ? [] : [raw(target, text, name)]), { insert: [keys(target, END)] }]
}

function typePart(target: Target, text: string, name: string): Part[] {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw badText()
  return text === '' ? [] : [raw(target, text, name)]
}

/** `-r`: a newline stays one. */
function raw(target: Target, text: string, name: string): Part {
  return { buffer: { name, text }, insert: [['paste-buffer', '-d', '-r', '-b', name, '-t', target.pane]] }
}

function keys(target: Target, text: string): TmuxCommand {
  return ['send-keys', '-t', target.pane, '-H', ...Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, '0'))]
}

/**
 * `if-shell` takes a pane that is gone for the client's own, so the guard compares the pane's id too. Keys don't get through where a
 * tmux mode is open in the pane. With `synchronize-panes`, keys also reach the neighbours; where input is disabled, tmux drops all of it.
 */
function guarded({ pane, agent_pid }: Target, parts: readonly Part[], version: string): readonly TmuxCommand[] {
  const buffers = parts.flatMap(({ buffer }) => (buffer === undefined ? [] : [buffer]))
  const mode = stripsControlBytes(version) ? ' #{pane_in_mode}' : ''
  const is = `#{pane_id} #{pane_pid} #{@burn_agent} #{pane_dead} ${input}${mode}`
  const must = `${pane} ${agent_pid} ${agent_pid} 0 open${mode === '' ? '' : ' 0'}`
  const insert = [...parts.flatMap((part) => part.insert), ['display-message', '-p', DONE]]
  const refuse = [
    ...buffers.map(({ name }) => ['delete-buffer', '-b', name]),
    ['display-message', '-p', '-t', pane, `${REFUSED} ${refusal}`],
  ]
  return [
    ...buffers.map(({ name, text }) => ['set-buffer', '-b', name, '--', text]),
    ['if-shell', '-F', '-t', pane, `#{==:${is},${must}}`, renderLine(insert), renderLine(refuse)],
  ]
}

/** Whether keys are needed around a paste: they don't get through where a tmux mode is open in the pane. */
export function stripsControlBytes(version: string): boolean {
  return Number.parseFloat(version.replace(/^next-/, '')) >= SANITIZES
}

function badText(): BurnError {
  return new BurnError('bad_text', 'the text contains control bytes', 'Sanitize it first.')
}
