/** The logins of Gemini CLI, Qwen Code, OpenCode and pi. These programs have no command that renews a login. */
import type { AgentLogins } from '../core/login.ts'
import { oauthCredentials, providerEntries } from './login.ts'

const readGoogle = oauthCredentials('google')

export const geminiLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['GEMINI_CLI_HOME'] ?? person}/.gemini/oauth_creds.json`],
  read: readGoogle,
  log_in: 'run gemini on that machine and type /auth',
  shared_risk: null,
  // Google accepts a refresh token any number of times.
  copied_risk: null,
}

export const qwenLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['QWEN_HOME'] ?? `${person}/.qwen`}/oauth_creds.json`],
  read: oauthCredentials('qwen'),
  log_in: 'run qwen on that machine and type /auth',
  shared_risk: null,
  copied_risk: 'a renewal may make the other copy invalid',
}

export const opencodeLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['XDG_DATA_HOME'] ?? `${person}/.local/share`}/opencode/auth.json`],
  read: providerEntries,
  hidden: () => 'newer versions of OpenCode keep logins in their database, which burn does not read',
  log_in: 'run opencode auth login on that machine',
  shared_risk: null,
  copied_risk: 'a renewal may make the other copy invalid',
}

export const piLogins: AgentLogins = {
  places: ({ person, env }) => [`${env['PI_CODING_AGENT_DIR'] ?? `${person}/.pi/agent`}/auth.json`],
  read: providerEntries,
  log_in: 'run pi on that machine and type /login',
  shared_risk: null,
  copied_risk: 'a renewal may make the other copy invalid',
}
