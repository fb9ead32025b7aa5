/** What sprints need beyond a session: backends, redaction, and git's way to the forge's credentials. */
import { hostname } from 'node:os'
import type { SecretSource } from '../core/nouns.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { SprintContext } from '../sprint/context.ts'
import type { Deps, OpenSession } from './command.ts'
import { sprintAgent } from '../agents/index.ts'
import { messageWithHint, BurnError, codeOf } from '../core/errors.ts'
import { credentialResponse, asksForForge } from '../git/credential.ts'
import { readSecret } from '../host/secrets.ts'
import { openBackend } from '../llm/open.ts'
import { redactor } from '../host/redact.ts'

/** Throws BurnError `sprint_unset` (exit 2) where the spec has no `sprint`. */
export function sprintPolicy({ fleet }: OpenSession['session']): SprintPolicy {
  if (fleet.sprint !== null) return fleet.sprint
  const hint = 'say who does the work: "sprint": {"backends": [{"kind": "runner"}]} (docs/how-to/run-sprints.md)'
  throw new BurnError('sprint_unset', 'no backend is configured: the spec has no "sprint"', hint, { exit: 2 })
}

/** Git that asks this process for the forge's login: only for that forge, and only where the remote wants one. */
export function gitFor({ session: { fleet, notify } }: OpenSession, { env, clock, home }: SprintDeps): Git {
  const { url, token: source } = fleet.forge
  if (url === undefined || source === undefined) return { env, clock, login: null }
  const login = async (question: string) => {
    if (!asksForForge(question, url)) return ''
    const token = await readSecret(source, { home, env }).catch((thrown: unknown) => {
      notify({ kind: 'git.login_failed', subject: 'git', payload: { why: messageWithHint(thrown) } })
      return ''
    })
    return credentialResponse(username, token)
  }
  return { env, clock, login }
}

/** The name that stands beside a token is not looked at by Gitea. */
const username = 'burn'

/** This machine, as it stands in workers' ids. */
export function hostHere(): string {
  return hostname().replaceAll(/[^A-Za-z0-9_-]+/g, '-') || 'here'
}

type SprintDeps = Pick<Deps, 'clock' | 'env' | 'home'> & Partial<Pick<Deps, 'random'>>

export async function wireSprints(open: OpenSession, context: SprintDeps, hear: SprintContext['hear']): Promise<SprintContext> {
  const { session } = open
  const policy = sprintPolicy(session)
  const { clock, env, home, random = Math.random } = context
  const secret = (source: SecretSource) => readSecret(source, { home, env })
  const { token } = session.fleet.forge
  const sources = [...(token === undefined ? [] : [token]), ...policy.backends.flatMap(keysOf)]
  return {
    session,
    policy,
    host: hostHere(),
    backends: policy.backends.map((backend) => openBackend(backend, { clock, home, env, secret, sprintAgent, random })),
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

function unreadableSecret(thrown: unknown): null {
  if (codeOf(thrown).startsWith('secret_')) return null
  throw thrown
}

/** Those that can be read. One that can't is nobody's to leak, and who needs it says so. */
async function known(sources: readonly SecretSource[], secret: (source: SecretSource) => Promise<string>): Promise<string[]> {
  const read = await Promise.all(sources.map((source) => secret(source).catch(unreadableSecret)))
  return read.filter((each) => each !== null)
}
