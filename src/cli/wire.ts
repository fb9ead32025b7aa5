/** Creates the adapters of a session from a spec file. Adapters of sprints are in `wire-sprints.ts`; no other file creates adapters. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { LogLevel, Notice } from '../core/events.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Time, Worker, WorkerId } from '../core/nouns.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Clock, Forge } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import type { WrittenSpec } from '../spec/schema.ts'
import { version, type Common, type Deps, type OpenSession } from './command.ts'
import { machinesNamed } from './named.ts'
import { paneAgentCache } from '../agents/index.ts'
import { eventKinds, eventText } from '../decide/event-kinds.ts'
import { messageWithHint, BurnError, messageOf } from '../core/errors.ts'
import { worded } from '../decide/wording.ts'
import { newId } from '../core/ids.ts'
import { logSettings, openLog, type LogLine, type Log } from '../host/log.ts'
import { openForge } from '../forge/index.ts'
import { rememberLogin } from '../forge/remember-login.ts'
import { ownFiles } from '../host/own-files.ts'
import { readKnownSecrets } from '../host/known-secrets.ts'
import { readSecret, type SecretForm } from '../host/secrets.ts'
import { countCommits } from '../git/count-commits.ts'
import { trackedBy } from '../git/tracked.ts'
import { openLedger } from '../ledger/open.ts'
import { TmuxMachines } from '../observe/machines.ts'
import { completeSpec, type DeclaredFleet } from '../spec/complete.ts'
import { ledgerOf } from '../spec/places.ts'
import { readSpec } from './read-spec.ts'
import { valueOf } from '../spec/jsonc.ts'

/** The parts of the process that a session uses. */
export interface Wiring extends Pick<Deps, 'clock' | 'env' | 'home' | 'cwd'>, Partial<Pick<Deps, 'random'>> {
  /** Called with each line of the log. */
  readonly notify: (line: LogLine) => void
  /** Redacts a secret in all later lines of the log. */
  readonly hide?: (secret: string) => void
}

/**
 * Opens a session with the real adapters. With `dry_run` it does not record new workers. The next run gives the new workers the same names.
 * Throws BurnError for a wrong spec or a ledger that cannot be opened.
 */
export async function openSession(options: Partial<Common> & { readonly dry_run?: boolean }, wiring: Wiring): Promise<OpenSession> {
  const { clock, home, random = Math.random } = wiring
  const { file, text } = await readSpec(options.spec, wiring)
  const { written, ledger } = await openChecked(text, file, wiring)
  const sink = notices(options.dry_run === true ? null : ledger, wiring)
  try {
    const known = await ledger.workers()
    const about = { home, ownFile: ownFiles(wiring), known, text, file, event_kinds: Object.keys(eventKinds) }
    const { fleet: declared, workers, deprecations } = completeSpec(written, about)
    const fleet = withLocalMachine(options.here ?? wiring.env['BURN_HERE'], declared)
    for (const what of deprecations) sink.notify({ kind: 'spec.deprecated', subject: 'spec', payload: { what } })
    const before = new Set(known.map(({ id }) => id))
    if (options.dry_run !== true && workers.some(({ id }) => !before.has(id))) await ledger.recordWorkers(workers, clock.now())
    const machines = new TmuxMachines(clock, random, async (name) => {
      return (await ledger.knownAgents()).flatMap(({ worker, incarnation }) => (worker.startsWith(`${name}/`) ? [incarnation] : []))
    })
    const forge = await forgeFor(fleet, sink.notify, wiring)
    const session: Session = {
      fleet,
      ledger,
      forge,
      machines,
      clock,
      owner: nextOwner(wiring),
      newId: nextId(clock, random),
      kindOf: paneAgentCache(),
      spec_file: resolve(wiring.cwd, file),
      readTemplate: (path) => readTemplate(resolve(file, '..', path)),
      notify: sink.notify,
      channel: channelsFor(fleet, wiring),
      secrets: () => readKnownSecrets(fleet, wiring),
      restart: (workers, why, stop) => restartIdle(workers, why, stop, { ...session, owner: nextOwner(wiring) }),
      countCommits: async (repo) =>
        fleet.sprint === null ? null : countCommits({ env: wiring.env, clock, login: null }, fleet.sprint.dir, repo),
      resolveConflict: async (change) => (await import('./wire-changes.ts')).resolveInMirror(change, session, wiring),
      calledByCi: async (repo, branch) => (await import('./wire-changes.ts')).calledInMirror(repo, branch, session, wiring),
      trackedBy: (path) => trackedBy({ env: wiring.env, clock, login: null }, path),
    }
    const close = async () => {
      await Promise.all([machines.close(), sink.stored()])
      await ledger.close()
    }
    return { session, spec_file: file, close }
  } catch (thrown) {
    await sink.stored()
    await ledger.close()
    throw thrown
  }
}

/**
 * Returns a `notify` that prints an event to the log at once, and stores the event unless its kind is fleeting. It writes events in
 * the background, in order; `stored` waits for these writes. Without a ledger (in a dry run) it stores nothing.
 */
function notices(
  ledger: Ledger | null,
  { clock, notify }: Wiring,
): { readonly notify: Session['notify']; readonly stored: () => Promise<void> } {
  let writing = Promise.resolve()
  const print = (notice: Notice) => {
    const { kind, subject, payload } = notice
    notify({ level: eventKinds[kind].level ?? 'info', subject, text: eventText(notice), data: { kind, payload: worded(payload) } })
  }
  const store = async (notice: Notice, at: Time) => {
    try {
      const of = (type: 'issue' | 'worker') => (eventKinds[notice.kind].subject === type ? notice.subject : null)
      await ledger?.recordEvents([{ ...notice, issue: of('issue'), worker: of('worker'), actor: 'burn' }], at)
    } catch (thrown) {
      print({ kind: 'ledger.unnoted', subject: 'ledger', payload: { why: messageWithHint(thrown) } })
    }
  }
  return {
    notify: (notice) => {
      print(notice)
      const at = clock.now()
      if (eventKinds[notice.kind].fleeting !== true) writing = writing.then(() => store(notice, at))
    },
    stored: () => writing,
  }
}

/** Returns the log of a command: lines on standard error, in the format and from the level that `BURN_LOG` sets. */
export function logTo({ io, env, clock }: Pick<Deps, 'env' | 'clock'> & { readonly io: Pick<Deps['io'], 'err' | 'paint'> }): Log {
  const styles = { info: 'gray', warn: 'yellow', error: 'red' } as const
  const paint = (level: LogLevel, subject: string) => io.paint(styles[level], subject)
  return openLog(logSettings(env['BURN_LOG']), { write: io.err, now: () => clock.now(), paint })
}

/** Returns a new name for the owner of leases. */
function nextOwner({ clock, random = Math.random }: Wiring): string {
  return `${hostname()}:${process.pid}:${newId(clock.now(), random)}`
}

/** Restarts idle agents. The session needs its own owner, because a restart releases all leases of its owner at its end. */
async function restartIdle(workers: readonly Worker[], why: string, stop: AbortSignal, session: Session): Promise<Map<WorkerId, string>> {
  const { restartWorkers } = await import('../operate/restart.ts')
  const results = await restartWorkers(workers, session, stop, { mode: 'idle', fresh: false, why, patience: 0 })
  return new Map(results.flatMap((each) => (each.outcome === 'refused' || each.outcome === 'failed' ? [[each.worker, each.why]] : [])))
}

/** Returns the fleet, with a local transport for the machine named `here`. burn runs on that machine, which may have no ssh server. */
function withLocalMachine(here: string | undefined, fleet: DeclaredFleet): DeclaredFleet {
  if (here === undefined) return fleet
  const [machine] = machinesNamed(fleet, [here])
  return { ...fleet, machines: fleet.machines.map((each) => (each === machine ? { ...each, transport: { kind: 'local' } } : each)) }
}

/**
 * Returns the checked spec and its ledger. The ledger stores the hash of the last spec that was found valid. burn does not check the same
 * text again with the same version, because loading the checker is slow.
 */
async function openChecked(
  text: string,
  file: string,
  { home, env, random = Math.random }: Wiring,
): Promise<{ written: WrittenSpec; ledger: Ledger }> {
  const own = { home, ownFile: ownFiles({ env, home }) }
  const hash = hashOf(`${version}\n${text}`)
  // The spec is not checked yet. The next line reads only its key `ledger`.
  const raw = valueOf(text) as WrittenSpec | null | undefined
  const place = typeof raw === 'object' && raw !== null && typeof (raw.ledger ?? '') === 'string' ? ledgerOf(raw, own) : ''
  const exists = place.startsWith('postgres') || existsSync(place.replace(/^sqlite:/, ''))
  const before = exists ? await openLedger(place, { random }) : null
  if (raw != null && before !== null && (await before.loadValue('spec')) === hash) return { written: raw, ledger: before }
  const { parseSpec } = await import('../spec/load.ts')
  let written: WrittenSpec
  let url: string
  try {
    written = parseSpec(text, file)
    url = ledgerOf(written, own)
  } catch (thrown) {
    await before?.close()
    throw thrown
  }
  // Do not open the same ledger twice: only the object that upgraded the tables reports the upgrade.
  const isOpen = before !== null && url === place
  if (!isOpen) await before?.close()
  const ledger = isOpen ? before : await openLedger(url, { random })
  await ledger.saveValue('spec', hash)
  return { written, ledger }
}

/** Returns a 53-bit hash (cyrb53) of a text, to detect edits. It needs no security, and Node's crypto is slow to load. */
function hashOf(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    high = Math.imul(high ^ text.charCodeAt(at), 2654435761)
    low = Math.imul(low ^ text.charCodeAt(at), 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return `${text.length}:${(4294967296 * (2097151 & low) + (high >>> 0)).toString(36)}`
}

/**
 * Returns a function that makes ids. The ids sort in the order of creation, even within a millisecond, so that prompts keep their order.
 */
function nextId(clock: Clock, random: () => number): () => string {
  let last = 0
  return () => newId((last = Math.max(clock.now(), last + 1)), random)
}

async function forgeFor({ forge, dispatch }: DeclaredFleet, notify: Session['notify'], wiring: Wiring): Promise<Forge> {
  const { clock, random = Math.random, env } = wiring
  const opened = await openForge(forge.kind, forge, {
    branch_prefix: dispatch.branch_prefix,
    clock,
    random,
    env,
    git: async () => (await import('../git/bare.ts')).openBareGit({ env, clock, login: null }),
    onWait: (ms) => notify({ kind: 'forge.throttled', subject: 'forge', payload: { ms } }),
    secret: secretReader(wiring),
  })
  return rememberLogin(opened, clock)
}

/** Returns a function that reads a secret, and redacts it in all later lines of the log. */
function secretReader({ home, env, hide }: Wiring) {
  return async (source: SecretSource, form?: SecretForm): Promise<string> => {
    const secret = await readSecret(source, { home, env }, form)
    hide?.(secret)
    return secret
  }
}

/** Returns a function that opens the channels of notifications. It loads their code only when burn sends a message. */
function channelsFor({ notify }: DeclaredFleet, wiring: Wiring): Session['channel'] {
  return async (name) => {
    const settings = notify?.channels[name]
    if (settings === undefined) {
      const hint = 'add the channel to "notify.channels" in the spec'
      throw new BurnError('channel_unknown', `there is no channel ${JSON.stringify(name)}`, hint, { exit: 2 })
    }
    const [{ openChannel }, { openFetch }] = await Promise.all([import('../notify/index.ts'), import('../host/fetch.ts')])
    return openChannel(name, settings, { env: wiring.env, secret: secretReader(wiring), fetch: openFetch(wiring.env), timeout_ms: 10_000 })
  }
}

async function readTemplate(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw new BurnError(
      'template_unreadable',
      `the template ${path} can't be read: ${messageOf(thrown)}`,
      'correct "templates" in the spec',
      { exit: 2 },
    )
  }
}
