/** What sprints need beyond a session: backends, redaction, and git's way to the forge's credentials. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { SecretSource } from '../core/nouns.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { SprintContext } from '../sprint/context.ts'
import type { Context, OpenSession } from './context.ts'
import { BurnError } from '../core/errors.ts'
import { readSecret } from '../host/secrets.ts'
import { openBackend } from '../llm/open.ts'
import { redactor } from '../llm/redact.ts'

/** Throws BurnError `sprint_unset` (exit 2) where the spec has no `sprint`. */
export function sprintPolicy({ fleet }: OpenSession['session']): SprintPolicy {
  if (fleet.sprint !== null) return fleet.sprint
  const hint = 'say who does the work: "sprint": {"backends": [{"kind": "runner"}]} (docs/sprints.md)'
  throw new BurnError('sprint_unset', 'no backend is configured: the spec has no "sprint"', hint, { exit: 2 })
}

/** Git asks this program for the forge's login, by its command line: the token is in no argv, URL or file of git's. */
export function gitFor({ session, spec_file }: OpenSession, { env, clock, self, cwd }: Context): Git {
  const asks = [...self, 'credential', '--spec', resolve(cwd, spec_file)]
  return { env, clock, credential: session.fleet.forge.kind === 'gitea' ? asks : null }
}

export async function wireSprints(open: OpenSession, context: Context, hear: SprintContext['hear']): Promise<SprintContext> {
  const { session } = open
  const policy = sprintPolicy(session)
  const { clock, env, home } = context
  const secret = (source: SecretSource) => readSecret(source, { home, env })
  const { forge } = session.fleet
  const sources = [...(forge.kind === 'gitea' ? [forge.token] : []), ...policy.backends.flatMap(keysOf)]
  return {
    session,
    policy,
    host: hostname().replaceAll(/[^A-Za-z0-9_-]+/g, '-') || 'here',
    backends: policy.backends.map((backend) => openBackend(backend, { clock, home, env, secret, random: Math.random })),
    redact: redactor(await known(sources, secret)),
    git: gitFor(open, context),
    env,
    home,
    hear,
  }
}

function keysOf(backend: SprintPolicy['backends'][number]): SecretSource[] {
  const keys = backend.kind === 'runner' ? backend.models.map(({ key }) => key) : backend.kind === 'gateway' ? [backend.key] : []
  return keys.filter((key) => key !== null)
}

/** Those that can be read. One that can't is nobody's to leak, and who needs it says so. */
async function known(sources: readonly SecretSource[], secret: (source: SecretSource) => Promise<string>): Promise<string[]> {
  const read = await Promise.all(sources.map((source) => secret(source).catch(() => null)))
  return read.filter((each) => each !== null)
}
