/**
 * Reads the beginning of Hermes' composer. If Hermes is idle, the composer begins with the prompt of the skin: `❯`, `⚔` of the skin `ares`,
 * or a person's own sign. The name of a profile may precede it: `coder ❯`. In every other state an icon comes first (cli_tui_mixin.py,
 * _get_tui_prompt_fragments). On a wide screen the prompt of the skin follows the icon.
 */
import type { ReadingState } from '../core/nouns.ts'

/** The beginning of a composer. */
export interface HermesPrompt {
  /** The state that the prompt shows; null if burn does not know its sign. */
  readonly state: ReadingState | null
  readonly detail: string | null
  /** The number of characters before the draft. */
  readonly from: number
}

interface Icon {
  readonly icon: RegExp
  readonly state: ReadingState
  readonly detail: string | null
}

const icons: readonly Icon[] = [
  { icon: /^[⚕☤](?= |$)/u, state: 'working', detail: null },
  { icon: /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏](?= |$)/u, state: 'working', detail: 'command' },
  { icon: /^⚠(?= |$)/u, state: 'waiting', detail: 'approval' },
  { icon: /^[?✎⚙](?= |$)/u, state: 'waiting', detail: 'question' },
  { icon: /^🔐(?= |$)/u, state: 'waiting', detail: 'sudo' },
  { icon: /^🔑(?= |$)/u, state: 'waiting', detail: 'secret' },
  { icon: /^[●◉🎤](?: [▁▂▃▄▅▆▇])?(?= |$)/u, state: 'unknown', detail: 'voice' },
]
/** The signs of the skins that Hermes 0.22 has: `default`, `ares`, `poseidon`, `charizard` and `sisyphus`. */
const knownSign = /^[❯⚔Ψ✦◉](?: |$)/u
const knownSignOfProfile = /^[\p{L}\p{N}._-]+ [❯⚔Ψ✦◉](?: |$)/u
/** The sign of another skin: up to three characters that are neither letters nor digits. */
const anySign = /^(?:[\p{L}\p{N}._-]+ )?[^\p{L}\p{N}\s]{1,3}(?: |$)/u

/** Returns the prompt at the beginning of a row; null if the row begins with no prompt. `wide`: the screen shows the skin's prompt behind icons. */
export function promptOf(row: string, wide: boolean): HermesPrompt | null {
  for (const { icon, state, detail } of icons) {
    const [sign] = icon.exec(row) ?? []
    if (sign === undefined) continue
    const rest = row.slice(sign.length + 1)
    const skin = wide ? (knownSign.exec(rest) ?? knownSignOfProfile.exec(rest) ?? anySign.exec(rest)) : null
    // The skin `sisyphus` has the sign of the voice mode.
    if (skin === null && wide && sign === '◉') break
    return { state, detail, from: Math.min(row.length, sign.length + 1 + (skin?.[0].length ?? 0)) }
  }
  const known = knownSign.exec(row) ?? knownSignOfProfile.exec(row)
  if (known !== null) return { state: 'idle', detail: null, from: known[0].length }
  const other = anySign.exec(row)
  return other === null ? null : { state: null, detail: 'unknown prompt', from: other[0].length }
}
