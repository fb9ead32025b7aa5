/** The registry of forges: the adapter for each kind that a spec may name. */
import type { BareGit } from '../core/bare-git.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Clock, Forge } from '../core/ports.ts'
import type { ForgeKind, ForgeSettings } from '../spec/forges.ts'
import type { Env } from '../host/proxy.ts'
import { readHeaders, type SecretForm } from '../host/secrets.ts'

/** The settings and functions that adapters get from their caller. */
export interface ForgeDeps {
  /** The text before the dispatch's id in the names of branches. */
  readonly branch_prefix: string
  readonly clock: Clock
  readonly random: () => number
  /** The environment, which may name a proxy. */
  readonly env: Env
  /** Reads a secret. An adapter reads the token only when a request needs it. */
  readonly secret: (source: SecretSource, form?: SecretForm) => Promise<string>
  /** Opens git. A folder uses it to compare and merge changes. */
  readonly git: () => Promise<BareGit>
  /** Is called with the time (ms) that a request waits because of `requests_per_minute`. */
  readonly onWait: (ms: number) => void
}

type Adapters = { readonly [Kind in ForgeKind]: (settings: ForgeSettings[Kind], deps: ForgeDeps) => Promise<Forge> }

/** Adapters are loaded on demand, because a folder needs no HTTP client. */
const adapters: Adapters = {
  async gitea({ url, token, headers = {}, ca_file = null, requests_per_minute = null }, { secret, ...deps }) {
    const { openGitea } = await import('./gitea.ts')
    return openGitea({
      ...deps,
      url,
      requests_per_minute,
      ca_file,
      token: () => secret(token),
      headers: () => readHeaders(headers, secret),
    })
  },
  async folder({ path, owner }, { clock, branch_prefix, git }) {
    const { openFolder } = await import('./folder.ts')
    return openFolder({ root: path, owner, clock, branch_prefix, git })
  },
}

/** Opens the forge that a spec names. Sends no request yet. */
export function openForge<Kind extends ForgeKind>(kind: Kind, settings: ForgeSettings[Kind], deps: ForgeDeps): Promise<Forge> {
  return adapters[kind](settings, deps)
}
