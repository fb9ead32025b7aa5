/** Builds the tmux commands that type a text and submit it. tmux itself checks a guard at the moment of the paste. */
import type { Keystrokes } from '../core/agent.ts'
import type { Target, Typed, Typing } from '../core/pane-host.ts'
import type { TmuxCommand, TmuxReply } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { renderLine } from './quote.ts'

const DONE = 'burn-done'
const REFUSED = 'burn-refused'
const PASTE_BEGIN = '\u001b[200~'
const PASTE_END = '\u001b[201~'
/**
 * The tmux format that tells whether keys for a pane reach only this pane: `open` if they do. If a tmux version does not know one of the
 * options, this option counts as not set.
 */
const input = '#{?pane_input_off,disabled,#{?pane_synchronized,synchronized,open}}'
/** The reasons why tmux refuses to type a text, in the order in which `refusalFormat` checks them. */
const refusals = {
  disabled: 'input to the pane is disabled',
  synchronized: 'synchronize-panes is on in its pane',
  overtaken: 'burn has typed another text into its pane since',
  other: 'its agent has ended or its pane is in a tmux mode',
}
const refusalFormat = (after: string | undefined) => {
  const other = after === undefined ? refusals.other : `#{?#{==:#{@burn_last_text},${after}},${refusals.other},${refusals.overtaken}}`
  return `#{?pane_input_off,${refusals.disabled},#{?pane_synchronized,${refusals.synchronized},${other}}}`
}
/** From this version on, tmux strips control bytes from the buffers that it pastes, but not from the keys that it sends. */
const STRIPS_CONTROL_BYTES_SINCE = 3.7

/**
 * Returns the tmux line that places a text in the composer. `buffer` begins the names of the paste buffers, which nothing else uses. The
 * line deletes these buffers even if tmux refuses the paste. Throws BurnError `bad_text` if the text has control bytes, which `sanitize`
 * should have removed.
 */
export function placeLine(target: PlaceTarget, pieces: readonly Keystrokes[], buffer: string, version: string): readonly TmuxCommand[] {
  const parts = pieces.flatMap((piece, i) =>
    'paste' in piece
      ? pastePart(target, piece.paste, `${buffer}-${i}`, version)
      : 'type' in piece
        ? typePart(target, piece.type, `${buffer}-${i}`)
        : [{ insert: [['send-keys', '-t', target.pane, piece.key]] }],
  )
  return guarded(target, parts, version)
}

/**
 * Returns the tmux line that submits the composer's text: it sends Enter, or the bytes of another key. Before tmux 3.7 the line pastes
 * these bytes, because in copy mode a sent key would reach tmux instead of the agent.
 */
export function submitLine(target: Target, buffer: string, version: string, key = '\r'): readonly TmuxCommand[] {
  const part = stripsControlBytes(version) ? { insert: [keys(target, key)] } : raw(target, key, buffer)
  return guarded(target, [part], version)
}

/** Returns the tmux line that places or submits a text, for a typing request to a `PaneHost`. */
export function typingLine(typing: Typing, version: string): readonly TmuxCommand[] {
  const buffer = `burn-${typing.id}`
  return 'place' in typing
    ? placeLine({ ...typing.target, ...onceOf(typing) }, typing.place, buffer, version)
    : submitLine(typing.target, buffer, version, typing.submit)
}

/** Returns the outcome of a line of `typingLine`, from tmux's reply. */
export function typedResult(reply: TmuxReply): Typed {
  const last = reply.lines.at(-1) ?? ''
  if (reply.ok && last === DONE) return { outcome: 'done', why: '' }
  if (reply.ok && last.startsWith(REFUSED)) return { outcome: 'refused', why: last.slice(REFUSED.length + 1) }
  return { outcome: 'failed', why: reply.error ?? last }
}

/** A target, with the id of a text that tmux types at most once, and the pane's last text before it. */
type PlaceTarget = Target & { readonly once?: { readonly id: string; readonly after: string } }

function onceOf({ id, after }: { readonly id: string; readonly after?: string }): Pick<PlaceTarget, 'once'> {
  return after === undefined ? {} : { once: { id, after } }
}

/** A piece of input for the pane: the buffer, if the piece needs one, and the commands that insert the piece. */
interface Part {
  readonly buffer?: { readonly name: string; readonly text: string }
  readonly insert: readonly TmuxCommand[]
}

function pastePart(target: Target, text: string, name: string, version: string): Part[] {
  if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text)) throw badText()
  if (!stripsControlBytes(version)) return [raw(target, PASTE_BEGIN + text + PASTE_END, name)]
  return [{ insert: [keys(target, PASTE_BEGIN)] }, ...(text === '' ? [] : [raw(target, text, name)]), { insert: [keys(target, PASTE_END)] }]
}

function typePart(target: Target, text: string, name: string): Part[] {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw badText()
  return text === '' ? [] : [raw(target, text, name)]
}

/** Inserts bytes unchanged: with `-r`, tmux does not turn a newline into a carriage return. */
function raw(target: Target, text: string, name: string): Part {
  return { buffer: { name, text }, insert: [['paste-buffer', '-d', '-r', '-b', name, '-t', target.pane]] }
}

function keys(target: Target, text: string): TmuxCommand {
  return ['send-keys', '-t', target.pane, '-H', ...Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, '0'))]
}

/**
 * Returns a line that runs the parts only if the target's agent runs in the pane, and if input reaches only this agent. If the target pane
 * no longer exists, `if-shell` uses the client's own pane, so the guard also compares the pane's id. While a tmux mode is open, keys do not
 * reach the agent. With `synchronize-panes`, keys also reach other panes. If a pane's input is disabled, tmux drops keys. With `once`, the
 * line compares and sets the pane's last text. tmux sets it before it pastes, so if the id is not set, tmux has not pasted the text.
 */
function guarded({ pane, agent_pid, once }: PlaceTarget, parts: readonly Part[], version: string): readonly TmuxCommand[] {
  const buffers = parts.flatMap(({ buffer }) => (buffer === undefined ? [] : [buffer]))
  const mode = stripsControlBytes(version) ? ' #{pane_in_mode}' : ''
  const is = `#{pane_id} #{pane_pid} #{@burn_agent} #{pane_dead} ${input}${mode}${once === undefined ? '' : ' #{@burn_last_text}'}`
  const must = `${pane} ${agent_pid} ${agent_pid} 0 open${mode === '' ? '' : ' 0'}${once === undefined ? '' : ` ${once.after}`}`
  const record = once === undefined ? [] : [['set-option', '-p', '-t', pane, '@burn_last_text', once.id]]
  const insert = [...record, ...parts.flatMap((part) => part.insert), ['display-message', '-p', DONE]]
  const refuse = [
    ...buffers.map(({ name }) => ['delete-buffer', '-b', name]),
    ['display-message', '-p', '-t', pane, `${REFUSED} ${refusalFormat(once?.after)}`],
  ]
  return [
    ...buffers.map(({ name, text }) => ['set-buffer', '-b', name, '--', text]),
    ['if-shell', '-F', '-t', pane, `#{==:${is},${must}}`, renderLine(insert), renderLine(refuse)],
  ]
}

/**
 * Returns true if this tmux version strips control bytes from pasted buffers. burn then sends the brackets of a paste as keys, and keys do
 * not reach the agent while a tmux mode is open.
 */
export function stripsControlBytes(version: string): boolean {
  return Number.parseFloat(version.replace(/^next-/, '')) >= STRIPS_CONTROL_BYTES_SINCE
}

function badText(): BurnError {
  return new BurnError('bad_text', 'the text contains control bytes', 'Remove the control bytes.')
}
