/** Lays out on a machine what agents need before they start: the hook, and a place of each worker's own. Two calls a machine, whatever its workers. */
import type { AgentPlace, AgentStart } from '../core/agent.ts'
import type { Machine, Worker, WorkerId } from '../core/nouns.ts'
import { parseDocument } from 'yaml'
import { paneAgent } from '../agents/index.ts'
import { hookScript } from '../agents/hook.ts'
import { messageOf } from '../core/errors.ts'
import { installFiles, readHome } from '../host/files.ts'

/**
 * How each worker's agent is started. Where nothing can be laid out, agents start without hooks: that costs what they would have told, and no more. Why
 * is in `without_hooks` of each.
 */
export async function prepareAgentStarts(
  machine: Machine,
  workers: readonly Worker[],
  fleet: string,
): Promise<ReadonlyMap<WorkerId, AgentStart>> {
  const hooked = workers.filter(({ agent }) => agent.hooks && paneAgent(agent).hookState !== undefined)
  const bare = (worker: Worker, why?: string): readonly [WorkerId, AgentStart] => {
    const start = paneAgent(worker.agent).start(worker.agent, null)
    return [worker.id, why === undefined ? start : { ...start, without_hooks: why }]
  }
  const starts = new Map(workers.filter((worker) => !hooked.includes(worker)).map((worker) => bare(worker)))
  if (hooked.length === 0) return starts
  try {
    const places = await placesOn(machine, hooked, fleet)
    for (const worker of hooked) {
      const at = places(worker)
      starts.set(worker.id, paneAgent(worker.agent).start(worker.agent, at))
    }
    await lay(machine, [...starts.values()], places(hooked[0]!))
    return starts
  } catch (thrown) {
    for (const worker of hooked) starts.set(...bare(worker, messageOf(thrown)))
    return starts
  }
}

/** Asks the machine for its home and what the kinds want to read there; returns where each worker's place is. */
async function placesOn(machine: Machine, workers: readonly Worker[], fleet: string): Promise<(worker: Worker) => AgentPlace> {
  const names = [...new Set(workers.flatMap(({ agent }) => paneAgent(agent).reads ?? []))]
  const { home: person, files, entries } = await readHome(machine, names)
  const configs = new Map<string, unknown>()
  for (const [name, text] of files) configs.set(name, text === null ? null : parsed(text))
  const state = machine.state_dir.replace(/^~(?=\/|$)/, person)
  return ({ window, name }) => ({
    hook: `${state}/hook`,
    home: `${state}/agents/${window}/${name}`,
    person,
    name: `burn-${fleet}-${window}-${name}`.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-'),
    configs,
    entries,
  })
}

/** Null where it is neither YAML nor JSON, as where there is no file: the agent itself will say what is wrong with it. */
function parsed(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent' })
  return document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 100 })
}

async function lay(machine: Machine, starts: readonly AgentStart[], { hook }: AgentPlace): Promise<void> {
  const files = starts.flatMap(({ files: own = {} }) => Object.entries(own).map(([path, text]) => ({ path, text, mode: '600' as const })))
  const links = starts.flatMap(({ links: own = {} }) => Object.entries(own).map(([path, to]) => ({ path, to })))
  const folder = hook.slice(0, hook.lastIndexOf('/'))
  const readme = 'What agents told by their hooks: one file a pane, no text of anybody. burn-fleet makes it anew when it is gone.\n'
  await installFiles(machine, {
    files: [{ path: hook, text: hookScript, mode: '700' }, { path: `${folder}/hooks/README`, text: readme, mode: '600' }, ...files],
    links,
  })
}
