/** Looks up the login of burn's own account on the forge. */
import type { Session } from './session.ts'
import { BurnError, messageWithHint } from '../core/errors.ts'

/** Returns burn's own login; null if the forge does not answer. Then it reports this, and the next cycle asks again. */
export async function ownLogin({ forge, notify }: Pick<Session, 'forge' | 'notify'>): Promise<string | null> {
  try {
    return (await forge.whoami()).login
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    notify({ kind: 'forge.login_unknown', subject: 'forge', payload: { why: messageWithHint(thrown) } })
    return null
  }
}
