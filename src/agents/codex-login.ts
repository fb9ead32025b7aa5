/** The login of Codex. Facts come from running 0.169.0 with made-up credentials. */
import type { AgentLogins } from '../core/login.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { endOf, foundLogin, isToken, stampOf } from './login.ts'

export const codexLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['CODEX_HOME'] ?? `${person}/.codex`}/auth.json`],
  read({ content }) {
    const { access_token, refresh_token, id_token, account_id } = membersOf(content?.['tokens'])
    if (!isToken(access_token) && !isToken(refresh_token)) return isToken(content?.['OPENAI_API_KEY']) ? [foundLogin('openai', {})] : []
    return [
      foundLogin('openai', {
        kind: 'oauth',
        account: stringOf(membersOf(id_token)['email']) ?? stringOf(account_id),
        ends_at: endOf(access_token),
        renewable: isToken(refresh_token),
        stamp: stampOf(content?.['last_refresh']),
      }),
    ]
  },
  log_in: 'run codex login on that machine, and restart its sessions',
  shared_risk: null,
  copied_risk: 'each renewal makes the other copy invalid, and the provider then revokes the login',
}
