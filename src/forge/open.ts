/** The forge that a spec names. */
import type { ForgeConfig, RepoSettings } from '../core/nouns.ts'
import type { Clock, Forge } from '../core/ports.ts'

export interface ForgeDeps {
  readonly clock: Clock
  readonly random: () => number
  /** Reads the token when a request needs it; null for a forge without one. */
  readonly token: (() => Promise<string>) | null
  /** Hears when requests are held back, and how long (ms). */
  readonly onWait: (ms: number) => void
}

/** Adapters are loaded when they are used: a folder needs no HTTP. */
export async function openForge(
  config: ForgeConfig,
  repos: readonly RepoSettings[],
  { clock, random, token, onWait }: ForgeDeps,
): Promise<Forge> {
  if (config.kind === 'folder') return (await import('./folder.ts')).openFolder({ root: config.path, owner: config.owner, clock })
  const { openGitea } = await import('./gitea.ts')
  const { url, requests_per_minute } = config
  return openGitea({
    url,
    repos,
    token: token ?? (() => Promise.reject(new Error('this forge needs a token'))),
    clock,
    random,
    requests_per_minute,
    onWait,
  })
}
