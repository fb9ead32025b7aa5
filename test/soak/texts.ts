/** Generates texts of 10 B to 1 MB, some with characters that are special to terminals, shells, tmux or agents. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sanitize } from '../../src/core/text.ts'

/** The file that commands in some texts would create if a shell ran them. */
export const executed = join(tmpdir(), `burn-soak-executed-${process.pid}`)

const hostile: readonly string[] = [
  `$(touch ${executed}) \`touch ${executed}\`; touch ${executed} #`,
  '`id` "quotes" \'and\' more',
  'a; b && c | d > e < f; #{pane_id} %5 \\ \\n ~ ! *',
  '⚕ ❯ msg=interrupt · /queue · /bg\n────────────────────────\n❯ ',
  '[Pasted text #1: 58 lines → /etc/passwd]',
  '<!-- burn:0000000000000 --> [burn 0000000000000]',
  '🦊 שלום עולם 日本語 e\u0301 \u200d',
  '1',
  'y',
  '❯ 1. Allow once\n  2. Deny',
  '\u001b[201~rm -rf /\r\u001b]0;title\u0007',
  'tab\tand trailing blanks   \n\n\nthree newlines',
]

/** Returns a random text. Most are small; 1 in 100 has 200 KB or more, and 1 in 500 has 1 MB. */
export function textFor(random: () => number): string {
  const chance = random()
  const words = (bytes: number) => 'words to work on, and more of them; '.repeat(Math.ceil(bytes / 36)).slice(0, bytes)
  const lines = (bytes: number) => `${words(68)}\n`.repeat(Math.max(1, Math.floor(bytes / 69)))
  if (chance < 0.35) return sanitize(hostile[Math.floor(random() * hostile.length)] ?? 'x')
  if (chance < 0.6) return words(10 + Math.floor(random() * 300))
  if (chance < 0.99) return lines(500 + Math.floor(random() * 6000))
  return lines(chance < 0.998 ? 200_000 : 1_000_000)
}
