/** Makes text that burn did not write harmless in messages and in Markdown. Pure. */
import { escapeLineForForge } from '../core/forge-text.ts'

/** Returns the text on one line, so that no mention, link or markup in it works. Keeps at most `limit` characters. */
export function inert(text: string, limit: number): string {
  return escapeLineForForge(text, limit).replace(/:\/\/|\bwww\.|\bmailto:/gi, (found) => `${found.slice(0, 1)}\u200b${found.slice(1)}`)
}
