/** The login of Claude Code. Facts come from running 2.1.332 with made-up credentials. */
import type { AgentLogins } from '../core/login.ts'
import { isFields, membersOf, stringOf } from '../core/json.ts'
import { foundLogin, isToken, stampOf, timeIn } from './login.ts'

export const claudeLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['CLAUDE_CONFIG_DIR'] ?? `${person}/.claude`}/.credentials.json`],
  read({ content }) {
    const oauth = content?.['claudeAiOauth']
    if (!isFields(oauth)) return []
    const { accessToken, refreshToken, expiresAt, refreshTokenExpiresAt, subscriptionType } = membersOf(oauth)
    return [
      foundLogin('anthropic', {
        kind: 'oauth',
        account: stringOf(subscriptionType),
        ends_at: timeIn(expiresAt),
        renewable: isToken(refreshToken),
        renewable_until: timeIn(refreshTokenExpiresAt),
        // A session that loses the race for a new token leaves an entry without tokens.
        refused: !isToken(accessToken) && !isToken(refreshToken),
        stamp: stampOf(expiresAt),
      }),
    ]
  },
  hidden: (os) => (os === 'Darwin' ? 'macOS keeps this login in its keychain, which burn does not read' : null),
  log_in: 'run claude on that machine and type /login, or use claude setup-token',
  shared_risk:
    'sessions that renew the login at the same time can log all of them out. Give each worker its own CLAUDE_CONFIG_DIR and login, or use claude setup-token',
  copied_risk: 'each renewal makes the other copy invalid',
}
