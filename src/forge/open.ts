/** The forge that a spec names. */
import type { ForgeConfig, RepoSettings } from '../core/nouns.ts'
import type { Clock, Forge } from '../core/ports.ts'

export interface ForgeDeps {
  readonly clock: Clock
  readonly random: () => number
  /** Reads the token when a request needs it; null for a forge without one. */
  readonly token: (() => Promise<string>) | null
}

/** Adapters are loaded when they are used: a folder needs no HTTP. */
export async function openForge(config: ForgeConfig, repos: readonly RepoSettings[], { clock, random, token }: ForgeDeps): Promise<Forge> {
  if (config.kind === 'folder') return (await import('./folder.ts')).openFolder({ root: config.path, owner: config.owner, clock })
  const { openGitea } = await import('./gitea.ts')
  return openGitea({ url: config.url, repos, token: token ?? (() => Promise.reject(new Error('this forge needs a token'))), clock, random })
}
