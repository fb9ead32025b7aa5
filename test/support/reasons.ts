/** Converts between reasons and sentences, for tests. */
import type { Reason } from '../../src/core/reasons.ts'
import { sentence } from '../../src/decide/wording.ts'

/** Returns a reason that consists of a text, without a code of its own. */
export const because = (text: string): Reason => ({ code: 'prose', text })

/** Returns the sentence of a reason; empty for null. */
export const said = (reason: Reason | null | undefined): string => (reason == null ? '' : sentence(reason))
