/** Wires the adapters of sprints: backends, redaction, and git with the forge's credentials. */
import { hostname } from 'node:os'
import type { SecretSource } from '../core/secret-source.ts'
import type { SprintPolicy } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { SprintContext } from '../sprint/context.ts'
import type { BackendDeps } from '../llm/deps.ts'
import type { ModelPorts, ServerEndpoint } from '../observe/model-uses.ts'
import type { Deps, OpenSession } from './command.ts'
import { sprintAgent } from '../agents/index.ts'
import { messageWithHint, BurnError } from '../core/errors.ts'
import { credentialResponse, asksForForge } from '../git/credential.ts'
import { forgeSettings } from '../git/command.ts'
import { withSafeDirectories } from '../git/safe-directories.ts'
import { readHeaders, readSecret } from '../host/secrets.ts'
import { openFetch, type Fetch } from '../host/fetch.ts'
import { machineFetch } from '../host/machine-fetch.ts'
import { openServer, type OpenServer } from '../llm/model-check.ts'
import { openBackend } from '../llm/open.ts'
import { storedBreakers } from '../observe/model-breakers.ts'
import { growingRedactor } from '../host/redact.ts'
import { SandboxFacts } from '../sandbox/facts.ts'

/** Returns the spec's settings for sprints. Throws BurnError `sprint_unset` (exit 2) if the spec has no `sprint`. */
export function sprintPolicy({ fleet }: OpenSession['session']): SprintPolicy {
  if (fleet.sprint !== null) return fleet.sprint
  const hint = 'configure a backend in the spec: "sprint": {"backends": [{"kind": "runner"}]}'
  throw new BurnError('sprint_unset', 'no backend is configured: the spec has no "sprint"', hint, { exit: 2 })
}

/**
 * Returns the port for git. Its git gets the forge's credentials from this process, only for that forge, and only if the remote asks for
 * them.
 */
export function gitFor({ session: { fleet, notify } }: Pick<OpenSession, 'session'>, { env, clock, home }: GitDeps): Promise<Git> {
  const dir = fleet.sprint?.dir ?? home
  const { url, token: source, headers = {}, ca_file = null } = fleet.forge
  if (url === undefined || source === undefined) return withSafeDirectories({ env, clock, login: null }, dir)
  const fallback =
    <T>(value: T) =>
    (thrown: unknown): T => {
      notify({ kind: 'git.login_failed', subject: 'git', payload: { why: messageWithHint(thrown) } })
      return value
    }
  const answer = async (question: string) => {
    if (!asksForForge(question, url)) return ''
    return credentialResponse(username, await readSecret(source, { home, env }).catch(fallback('')))
  }
  const settings = async () => {
    const read = readHeaders(headers, (header, form) => readSecret(header, { home, env }, form))
    return forgeSettings(url, ca_file, await read.catch(fallback({})))
  }
  return withSafeDirectories({ env, clock, login: { forge_url: url, answer, settings } }, dir)
}

/** Gitea ignores the username that comes with a token. */
const username = 'burn'

/** Returns the name of this computer, as it is used in the ids of sprint workers. */
export function hostHere(): string {
  return hostname().replaceAll(/[^A-Za-z0-9_-]+/g, '-') || 'here'
}

/** The parts of the process that git needs. */
export type GitDeps = Pick<Deps, 'clock' | 'env' | 'home'> & Partial<Pick<Deps, 'random'>>

/** Returns the dependencies of backends and of checks of models. */
function backendDeps({ session }: OpenSession, { clock, env, home, random = Math.random }: GitDeps): BackendDeps {
  const secret = (source: SecretSource) => readSecret(source, { home, env })
  const breakers = storedBreakers(session, hostHere())
  return { clock, home, env, fetch: openFetch(env), secret, sprintAgent, random, breakers }
}

/** Returns the ports for finding and checking models. A request ends if a person stops the command. */
export function wireModels(open: OpenSession, context: GitDeps & Pick<Deps, 'stop'>): ModelPorts {
  const backends = backendDeps(open, context)
  const { env, stop } = context
  const { machines } = open.session.fleet
  const opened = new Map<string, Promise<OpenServer>>()
  const read = (name: string | null, { url, key, key_at }: ServerEndpoint) => {
    const machine = machines.find((each) => each.name === name)
    const send = machine === undefined ? backends.fetch : machineFetch(machine, env, key_at)
    const fetch: Fetch = (target, init) =>
      send(target, { ...init, signal: init.signal == null ? stop : AbortSignal.any([init.signal, stop]) })
    return openServer({ url, key, fetch, clock: backends.clock })
  }
  const openOnce: ModelPorts['openServer'] = (machine, endpoint) => {
    const id = JSON.stringify([machine, endpoint.url, endpoint.key, endpoint.key_at])
    const server = opened.get(id) ?? read(machine, endpoint)
    opened.set(id, server)
    return server
  }
  return { session: open.session, host: hostHere(), backends, openServer: openOnce, stop }
}

/** Returns the context for sprints. burn calls `onUpdate` with their progress. Throws BurnError `sprint_unset` (exit 2) if the spec has no `sprint`. */
export async function wireSprints(open: OpenSession, context: GitDeps, onUpdate: SprintContext['onUpdate']): Promise<SprintContext> {
  const { session } = open
  const policy = sprintPolicy(session)
  const { env, home } = context
  const backends = backendDeps(open, context)
  return {
    session,
    policy,
    host: hostHere(),
    backends: policy.backends.map((backend) => openBackend(backend, backends)),
    ...growingRedactor((await session.secrets()).known),
    git: await gitFor(open, context),
    facts: new SandboxFacts(context.clock),
    env,
    home,
    onUpdate,
  }
}
