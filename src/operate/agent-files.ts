/**
 * Installs the files that agents need before they start: the hook, and a folder for each worker. It makes two calls to each machine,
 * whatever the number of workers.
 */
import type { AgentPlace, AgentStart } from '../core/agent.ts'
import type { Machine, Worker, WorkerId } from '../core/nouns.ts'
import { agentName } from '../core/agent-kinds.ts'
import { paneAgent } from '../agents/index.ts'
import { hookScript } from '../agents/hook.ts'
import { messageOf } from '../core/errors.ts'
import { parseConfig } from '../host/config-file.ts'
import { installFiles, readHome } from '../host/files.ts'

/**
 * Installs the files of these workers' agents, and returns how to start each agent. If the installation fails, the agents start without
 * hooks, and `without_hooks` has the reason. burn then reads their state only from their screens.
 */
export async function prepareAgentStarts(
  machine: Machine,
  workers: readonly Worker[],
  fleet: string,
): Promise<ReadonlyMap<WorkerId, AgentStart>> {
  const withHooks = workers.filter(({ agent }) => agent.hooks && paneAgent(agent).hookState !== undefined)
  const withoutHooks = (worker: Worker, why?: string): readonly [WorkerId, AgentStart] => {
    const start = paneAgent(worker.agent).start(worker.agent, null)
    return [worker.id, why === undefined ? start : { ...start, without_hooks: why }]
  }
  const starts = new Map(workers.filter((worker) => !withHooks.includes(worker)).map((worker) => withoutHooks(worker)))
  if (withHooks.length === 0) return starts
  try {
    const places = await placesOn(machine, withHooks, fleet)
    for (const worker of withHooks) {
      const at = places(worker)
      starts.set(worker.id, paneAgent(worker.agent).start(worker.agent, at))
    }
    await installAgentFiles(machine, [...starts.values()], places(withHooks[0]!))
    return starts
  } catch (thrown) {
    for (const worker of withHooks) starts.set(...withoutHooks(worker, messageOf(thrown)))
    return starts
  }
}

/**
 * Reads the home folder and the configuration files of the agent kinds from the machine. Returns a function that maps a worker to its
 * folders and configuration.
 */
async function placesOn(machine: Machine, workers: readonly Worker[], fleet: string): Promise<(worker: Worker) => AgentPlace> {
  const names = [...new Set(workers.flatMap(({ agent }) => paneAgent(agent).reads ?? []))]
  const { home: person, files, entries } = await readHome(machine, names)
  const configs = new Map<string, unknown>()
  for (const [name, text] of files) configs.set(name, text === null ? null : parseConfig(text))
  const state = machine.state_dir.replace(/^~(?=\/|$)/, person)
  return (worker) => ({
    hook: `${state}/hook`,
    home: `${state}/agents/${worker.window}/${worker.name}`,
    person,
    name: agentName(fleet, worker),
    configs,
    entries,
  })
}

async function installAgentFiles(machine: Machine, starts: readonly AgentStart[], { hook }: AgentPlace): Promise<void> {
  const files = starts.flatMap(({ files: own = {} }) => Object.entries(own).map(([path, text]) => ({ path, text, mode: '600' as const })))
  const links = starts.flatMap(({ links: own = {} }) => Object.entries(own).map(([path, to]) => ({ path, to })))
  const folder = hook.slice(0, hook.lastIndexOf('/'))
  const readme =
    'Events that agents reported by their hooks, one file for each pane. The files contain no prompts and no answers.\n' +
    'If you delete this folder, burn-fleet makes it again.\n'
  await installFiles(machine, {
    files: [{ path: hook, text: hookScript, mode: '700' }, { path: `${folder}/hooks/README`, text: readme, mode: '600' }, ...files],
    links,
  })
}
