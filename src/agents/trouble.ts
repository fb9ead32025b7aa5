/** Finds the kind of trouble that ended a turn, from the message that the agent's hook or screen shows. */
import type { Reading } from '../core/nouns.ts'
import type { TroubleKind } from '../core/trouble.ts'
import { paragraphFrom } from './screen.ts'

/** The patterns of each kind of trouble. The first match counts, because a message about a quota may also mention credentials. */
const words: readonly (readonly [RegExp, TroubleKind])[] = [
  [
    /context.?(?:length|window|overflow|compression|size|exceed|limit)|maximum context|too many tokens|grown too l(?:ong|arge)|(?:prompt|input) is too long|payload.too.large|\b413\b/i,
    'context',
  ],
  // Codex' message about a usage limit also offers credits.
  [/(?:hit|reached) your\b.*?\blimit\b/i, 'rate limit'],
  [/empty.(?:answer|response|content|stream)|no.reply|returned no content/i, 'empty answer'],
  [/\b402\b|billing|\bcredits?\b|insufficient.(?:quota|funds|balance)|payment/i, 'billing'],
  [/\b(?:429|529)\b|rate.?limit|quota|(?:usage|session|weekly|hour).limit|too many requests|overloaded|resource.exhausted/i, 'rate limit'],
  [
    /model.(?:not.found|entitlement)|provider.policy|\bmodel\b.*(?:not (?:exist|found|available|supported)|isn't available|no access)|\b404\b/i,
    'model',
  ],
  [/\b40[13]\b|unauthori[sz]ed|api.?key|\/login|auth(?!or)|permission.denied|credential|oauth/i, 'auth'],
  [
    /connect|network|refused|tim(?:e|ed).?out|fetch failed|server.?error|\b50[0-4]\b|ssl|certificate|socket|unreachable|\bE(?:CONN|NOTFOUND|AI_AGAIN|TIMEDOUT|HOST|NET)|did(?:n't| not) (?:answer|respond)/i,
    'connection',
  ],
]

/** Returns the kind of trouble that a text describes; `turn failed` if the text describes no known kind. */
export function troubleIn(text: string): TroubleKind {
  return words.find(([pattern]) => pattern.test(text))?.[1] ?? 'turn failed'
}

/** Returns the reading of a failed turn. `row` is the first row of the agent's message about the failure. */

export function failedTurn(screen: readonly string[], row: number): Reading {
  const evidence = paragraphFrom(screen, row)
  return { state: 'error', detail: troubleIn(evidence), evidence }
}
