/**
 * Starts the agents of one machine. Each start is recorded in the ledger first. An agent continues the last conversation of its worker, if
 * its hook can prove that it does.
 */
import type { AgentRecord } from '../core/agent-record.ts'
import type { AgentStart } from '../core/agent.ts'
import type { Reason } from '../core/reasons.ts'
import type { Incarnation, Worker, WorkerId } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from '../observe/session.ts'
import { paneAgent } from '../agents/index.ts'
import { startedWith } from '../agents/started-with.ts'
import { identityFor } from '../claim/prompts.ts'
import { BurnError, messageWithHint } from '../core/errors.ts'
import { agentKey, incarnationOf } from '../core/incarnation.ts'
import { nextConversation } from '../decide/continuations.ts'
import { restartedIdentity } from '../decide/prompts.ts'
import { sentence } from '../decide/wording.ts'
import { endedAgents } from '../observe/agents.ts'
import { leaseLength } from '../observe/session.ts'
import { prepareAgentStarts } from './agent-files.ts'

export interface StartOptions {
  /** If true, burn starts agents with hooks, unless the spec disables hooks or the agent kind has none. */
  readonly hooks: boolean
  /** If true, agents begin new conversations. */
  readonly fresh: boolean
  readonly onWithoutHooks: (worker: string, why: string) => void
}

/** A worker whose agent burn starts, and its pane. */
export interface ToStart {
  readonly worker: Worker
  readonly pane: Pane
}

/** The starts of the agents of one machine. */
export class AgentStarts {
  #starts: ReadonlyMap<WorkerId, AgentStart> = new Map()
  /** The keys of the last agents that have ended. */
  #ended: ReadonlySet<string> = new Set()
  /** The record of the last agent of each worker. */
  readonly #agents = new Map<WorkerId, AgentRecord>()
  /** The reason of the conversation of each agent that was started. */
  readonly #reasons = new Map<WorkerId, Reason>()
  /** Workers whose agent did not find the conversation. */
  readonly #missing = new Map<WorkerId, string>()
  readonly #session: Session
  readonly #options: StartOptions

  constructor(session: Session, options: StartOptions) {
    this.#session = session
    this.#options = options
  }

  /** Reads the records of the last agents, and installs the files of these workers' agents. Must be called before the other methods. */
  async prepare(host: PaneHost, workers: readonly Worker[]): Promise<void> {
    const { ledger, fleet } = this.#session
    for (const record of await ledger.lastAgents()) this.#agents.set(record.worker, record)
    const { machine } = host
    const last = workers.flatMap(({ id }) => this.#agents.get(id) ?? [])
    if (last.length > 0) this.#ended = await endedAgents(last, new Map([[machine.name, await host.snapshot()]]), this.#session)
    if (this.#options.hooks) this.#starts = await prepareAgentStarts(machine, workers, fleet.name)
  }

  /** Returns the text that tells the agent in a pane its name and role. */
  async identityOf(worker: Worker): Promise<string> {
    const text = await identityFor(worker, this.#session)
    return this.#continues(worker.id) === null ? text : restartedIdentity(text)
  }

  /** Returns a phrase about the conversation of an agent that this object started; null if it started none. */
  conversationOf(worker: WorkerId): string | null {
    const reason = this.#reasons.get(worker)
    const conversation = this.#continues(worker)
    if (reason === undefined || reason.code === 'no_conversation') return null
    return conversation === null ? `new conversation: ${sentence(reason)}` : `conversation ${conversation} goes on`
  }

  #continues(worker: WorkerId): string | null {
    return this.#agents.get(worker)?.continues ?? null
  }

  /**
   * Records and starts the agents of these workers. Returns the workers whose agent was not started, each with the reason. If the connection
   * to the machine breaks, some agents may have started.
   */
  async start(host: PaneHost, all: readonly ToStart[]): Promise<ReadonlyMap<WorkerId, string>> {
    const { ledger, clock, newId, owner } = this.#session
    const agents = await Promise.all(
      all.map(async ({ worker }) => ({
        id: newId(),
        worker: worker.id,
        started_with: startedWith(worker.agent, await identityFor(worker, this.#session)),
        ...this.#next(worker),
      })),
    )
    const records = new Map(
      (await ledger.recordAgents(agents, owner, clock.now() + leaseLength, clock.now())).map((record) => [record.worker, record]),
    )
    const failed = new Map<WorkerId, string>()
    const launches = all.flatMap(({ worker, pane }, index) => {
      const record = records.get(worker.id)
      if (record === undefined) {
        failed.set(worker.id, 'another process starts the agent')
        return []
      }
      this.#agents.set(worker.id, record)
      const reason = agents[index]?.reason ?? { code: 'no_conversation' }
      this.#reasons.set(worker.id, record.continues === null && reason.code === 'agent_restarted' ? { code: 'work_taken' } : reason)
      return [this.#launchOf(worker, pane, record)]
    })
    try {
      if (launches.length > 0) await host.start(launches)
    } catch (thrown) {
      if (thrown instanceof BurnError && thrown.code === 'login_shell')
        for (const { worker } of all) failed.set(worker.id, failed.get(worker.id) ?? messageWithHint(thrown))
      else await host.drop(thrown)
    }
    return failed
  }

  #launchOf(worker: Worker, pane: Pane, { id, continues }: AgentRecord): Parameters<PaneHost['start']>[0][number] {
    const kind = paneAgent(worker.agent)
    const { argv, env, queues = false, without_hooks } = this.#starts.get(worker.id) ?? kind.start(worker.agent, null)
    if (without_hooks !== undefined) this.#options.onWithoutHooks(worker.id, without_hooks)
    const args = continues === null ? [] : (kind.conversations?.resumeArgs(continues) ?? [])
    return { id, pane, argv: [...argv, ...args], env, queues, without_hooks: without_hooks ?? null, dir: worker.dir }
  }

  #next({ id, agent }: Worker): ReturnType<typeof nextConversation> {
    const missing = this.#missing.get(id)
    if (missing !== undefined) return { continues: null, reason: { code: 'conversation_missing', conversation: missing } }
    const last = this.#agents.get(id)
    const start = this.#starts.get(id)
    const isHooked = start !== undefined && agent.hooks && start.without_hooks === undefined
    const isProvable = isHooked && paneAgent(agent).conversations !== undefined
    return nextConversation(last, {
      kind: agent.kind,
      unprovable: isProvable ? null : { code: 'not_provable', why: start?.without_hooks ?? null },
      fresh: this.#options.fresh,
      ended: last === undefined || last.incarnation === null || this.#ended.has(agentKey(id.slice(0, id.indexOf('/')), last.incarnation)),
    })
  }

  /**
   * Returns true if this object told the agent of a worker to continue a conversation, and the agent did not find it. Then the agent has ended, or burn ends it,
   * and the next agent of the worker begins a new conversation.
   */
  async endIfMissing(host: PaneHost, worker: Worker): Promise<boolean> {
    const conversation = this.#continues(worker.id)
    // If another process started the agent, that process or a person may have ended it.
    if (conversation === null || !this.#reasons.has(worker.id)) return false
    const { snapshot, screens } = await host.snapshotWithScreens()
    const pane = snapshot.state === 'up' ? snapshot.panes.find((each) => each.worker === worker.id) : undefined
    if (snapshot.state !== 'up' || pane === undefined || pane.agent_id !== this.#agents.get(worker.id)?.id) return false
    const alive = incarnationOf(pane, snapshot.server_started)
    const isMissing = () => paneAgent(worker.agent).conversations?.isMissing?.(screens.get(pane.id) ?? [], conversation) === true
    if (alive !== null && !isMissing()) return false
    if (alive !== null && !(await this.#end(host, alive))) return false
    this.#missing.set(worker.id, conversation)
    return true
  }

  async #end(host: PaneHost, agent: Incarnation): Promise<boolean> {
    return (await host.end([agent])).has(agent)
  }
}
