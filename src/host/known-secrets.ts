/** Reads all secrets that the spec names, so that burn can remove them from texts. */
import type { Fleet } from '../core/nouns.ts'
import type { Address, ChannelSettings } from '../core/notify-settings.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import { codeOf } from '../core/errors.ts'
import { readSecret, type SecretDeps, type SecretForm } from './secrets.ts'

type Sources = readonly (readonly [SecretSource, SecretForm])[]

/** Returns the secrets that burn can read, and the number of the others. Code that needs such a secret reports the error. */
export async function readKnownSecrets(
  { forge, models, sprint, notify }: Pick<Fleet, 'forge' | 'models' | 'sprint' | 'notify'>,
  deps: SecretDeps,
): Promise<{ readonly known: string[]; readonly unread: number }> {
  const sources: Sources = [
    ...tokens(forge.token),
    ...headers(forge.headers ?? {}),
    ...tokens(...[...models.chain, ...models.servers].map(({ key }) => key)),
    ...(sprint?.backends ?? []).flatMap(ofBackend),
    ...Object.values(notify?.channels ?? {}).flatMap(ofChannel),
  ]
  const read = await Promise.all(sources.map(([source, form]) => readSecret(source, deps, form).catch(nullIfUnreadable)))
  const known = read.filter((secret) => secret !== null)
  return { known, unread: read.length - known.length }
}

function ofBackend(backend: SprintPolicy['backends'][number]): Sources {
  if (backend.kind === 'runner') return tokens(...backend.models.map(({ key }) => key))
  return backend.kind === 'gateway' ? tokens(backend.key) : []
}

function ofChannel(channel: ChannelSettings): Sources {
  if (channel.kind === 'webhook') return [...tokens(channel.url, channel.key), ...headers(channel.headers)]
  if (channel.kind === 'ntfy') return tokens(channel.topic, channel.token)
  if (channel.kind === 'slack') return tokens(channel.url)
  return channel.kind === 'email' && channel.password !== null ? [[channel.password, 'header']] : []
}

/** Returns the sources among the values. An address that the spec contains is no secret. */
function tokens(...values: readonly (Address | null | undefined)[]): Sources {
  return values.flatMap((value) => (value == null || typeof value === 'string' ? [] : [[value, 'token'] as const]))
}

function headers(sources: Readonly<Record<string, SecretSource>>): Sources {
  return Object.values(sources).map((source) => [source, 'header'])
}

function nullIfUnreadable(thrown: unknown): null {
  if (codeOf(thrown).startsWith('secret_')) return null
  throw thrown
}
