/** Remembers the account of the token, because most cycles need it and it seldom changes. */
import type { Clock, Forge } from '../core/ports.ts'

/** The time (ms) for which burn keeps its login. A person may replace the token by that of another account. */
const loginCacheTtl = 3_600_000

/** Returns a forge that asks for the account of the token at most once an hour. It remembers no failure. */
export function rememberLogin(forge: Forge, clock: Clock): Forge {
  let known: { readonly login: string; readonly until: number } | null = null
  return {
    ...forge,
    async whoami() {
      if (known !== null && clock.now() < known.until) return { login: known.login }
      const { login } = await forge.whoami()
      known = { login, until: clock.now() + loginCacheTtl }
      return { login }
    },
  }
}
