/** What is said of an issue or a repo that is left alone for a while. */
import type { Time } from '../core/nouns.ts'

export function restsReason({ until, why }: { readonly until: Time; readonly why: string }): string {
  return `rests until ${new Date(until).toISOString().slice(0, 19)}Z: ${why}`
}
