/** Reasons in tests: made of a sentence, and read as one. */
import type { Reason } from '../../src/core/reasons.ts'
import { sentence } from '../../src/decide/wording.ts'

export const because = (text: string): Reason => ({ code: 'prose', text })

export const said = (reason: Reason | null | undefined): string => (reason == null ? '' : sentence(reason))
