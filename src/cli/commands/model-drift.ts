/** `burn model drift`: compares the model of each agent with the one that it should use. */
import type { Drift, DriftState } from '../../core/drift.ts'
import type { Fleet, Worker } from '../../core/nouns.ts'
import type { Span } from '../../core/span.ts'
import { driftStates, isDrift } from '../../core/drift.ts'
import { counted } from '../../core/text.ts'
import { keysOf } from '../../core/json.ts'
import type { RemediesNow } from '../../cycle/watchdog.ts'
import { sentence } from '../../decide/wording.ts'
import { driftLine, driftRemedy, driftText } from '../../decide/drift.ts'
import { flag, list } from '../args.ts'
import { command, done } from '../command.ts'
import { allWorkers, workersNamed } from '../named.ts'
import { duration, listTable } from '../table.ts'

export const modelDriftCommand = command({
  args: {
    names: list('[name...]', 'Workers, windows, lanes or machines to check (default: all)'),
    all: flag('-a, --all', 'Also show the agents that use the model that they should'),
    mend: flag('--mend', 'Change the model of each idle agent with another one, if necessary by a restart'),
    dry_run: flag('-n, --dry-run', 'Show what --mend would do, and change nothing'),
  },
  examples: ['burn model drift', 'burn model drift mac --all', 'burn model drift ANN --json', 'burn model drift --mend --dry-run'],
  notes: [
    'burn reads the records of the agents, and makes no request to a model. Few agents record the model that answered. For the others, burn knows only the model that they asked for.',
    'Exit codes: 0 no difference, 1 an agent runs with other settings than it should, or burn failed, 2 usage or spec error.',
  ],
  async run({ open, stop }, { names, mend, dry_run }) {
    const { session } = await open()
    const [{ readDrift }, { usageJob }, { withLeases }, { applyRemediesNow }] = await Promise.all([
      import('../../cycle/drift-sample.ts'),
      import('../../cycle/periodic.ts'),
      import('../../observe/session.ts'),
      import('../../cycle/watchdog.ts'),
    ])
    const workers = chosen(session.fleet, names)
    const machines = session.fleet.machines.filter(({ name }) => workers.some(({ machine }) => machine === name))
    const { sample, mended } = await withLeases(session, async () => {
      await usageJob.run(machines, session, true)
      const found = await readDrift(machines, session)
      if (!mend && !dry_run) return { sample: found, mended: [] }
      return applyRemediesNow(found, { machines, workers: new Set(workers.map(({ id }) => id)) }, session, { stop, dryRun: dry_run })
    })
    const spans = new Map(
      (await session.ledger.openSpans()).flatMap((span) => (span.kind === 'drift' ? [[span.subject, span] as const] : [])),
    )
    const reports = workers.flatMap(({ id }) => {
      const drift = sample.drifts.get(id)
      return drift === undefined ? [] : [reportOf(drift, spans.get(id))]
    })
    const steps = mended.map((each) => ({ worker: each.worker, do: each.step.do, text: stepText(each, dry_run) }))
    return done({ workers: reports, mended: steps }, reports.some(({ state }) => isDrift(state)) ? 1 : 0)
  },
  present({ workers, mended }, io, { all }, now) {
    const shown = workers.filter(({ state }) => all || isDrift(state))
    const rows = shown.map(({ id, state, used, expected, since, evidence }) => [
      nameOf(id),
      io.paint(colours[state], stateName(state)),
      since === null ? '' : duration(now - Date.parse(since)),
      used.model === null ? '' : `${used.model} (${used.source})`,
      expected.model ?? '',
      evidence,
    ])
    if (rows.length > 0)
      io.out(...listTable(['WORKER', 'STATE', 'FOR', 'RUNS', 'SHOULD RUN', 'EVIDENCE'], rows, io, ['EVIDENCE', 'FOR', 'SHOULD RUN']))
    io.out(...shown.flatMap(({ state, text, remedy }) => (isDrift(state) ? [driftLine({ text, remedy })] : [])))
    io.out(...mended.flatMap(({ worker, text }) => (text === null ? [] : [`${nameOf(worker)}: ${text}`])), summary(workers))
  },
})

/** Returns the text about one remedy; null if burn does nothing. */
function stepText({ step, failed, delivery }: RemediesNow['mended'][number], dryRun: boolean): string | null {
  switch (step.do) {
    case 'nothing':
      return null
    case 'wait':
      return `burn ${dryRun ? 'would wait' : 'did nothing'}: ${step.why}`
    case 'escalate':
      return `burn has no remedy: ${step.why}`
    case 'command':
      return dryRun || delivery === null
        ? 'burn would change the model by a command'
        : `command ${delivery.state}: ${sentence(delivery.evidence)}`
    case 'restart':
      return dryRun
        ? 'burn would restart the agent'
        : failed === undefined
          ? 'burn restarted the agent'
          : `burn could not restart the agent: ${failed}`
  }
}

const nameOf = (id: string) => id.slice(id.lastIndexOf('/') + 1)
const colours = { ok: 'green', fallback: 'yellow', outdated: 'yellow', wrong_model: 'red', wrong_profile: 'red', unknown: 'gray' } as const

const stateName = (state: DriftState) => state.replaceAll('_', ' ')

function summary(workers: readonly { readonly state: DriftState }[]): string {
  const counts = keysOf(driftStates).flatMap((state) => {
    const count = workers.filter((each) => each.state === state).length
    return count === 0 ? [] : [`${count} ${stateName(state)}`]
  })
  return `${counted(workers.length, 'worker')}: ${counts.join(', ')}`
}

/** Returns the report of one worker. `span`: the state that the watchdog saved last. */
function reportOf(drift: Drift, span: Span | undefined) {
  const { worker: id, at, ...rest } = drift
  const began = span?.state === drift.state ? span.began_at : at
  return { id, ...rest, since: began === null ? null : new Date(began).toISOString(), text: driftText(drift), remedy: driftRemedy(drift) }
}

function chosen(fleet: Fleet, names: readonly string[]): readonly Worker[] {
  return names.length === 0 ? allWorkers(fleet) : [...new Set(names.flatMap((name) => workersNamed(fleet, name)))]
}
