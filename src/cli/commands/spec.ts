/** `burn spec`: checks the fleet spec, and prints the reference of its keys and its JSON Schema. */
import type { Fleet, Role } from '../../core/nouns.ts'
import { SpecError, type SpecFinding } from '../../spec/findings.ts'
import { command, done } from '../command.ts'
import { allWorkers } from '../named.ts'
import { counted } from '../../core/text.ts'

type Checked = { readonly file: string } & (
  | ({ readonly ok: true } & Counts)
  | { readonly ok: false; readonly findings: readonly SpecFinding[] }
)

export const specCheckCommand = command({
  args: {},
  examples: ['burn spec check', 'burn spec check --spec ~/fleets/night.json'],
  async run({ common, home, io, ...deps }) {
    const [{ readSpec }, { parseSpec }, { completeSpec }, { ownFiles }, { eventKinds }] = await Promise.all([
      import('../read-spec.ts'),
      import('../../spec/load.ts'),
      import('../../spec/complete.ts'),
      import('../../host/own-files.ts'),
      import('../../decide/event-kinds.ts'),
    ])
    const { file, text } = await readSpec(common.spec, { ...deps, home })
    try {
      const { fleet, deprecations } = completeSpec(parseSpec(text, file), {
        home,
        ownFile: ownFiles({ ...deps, home }),
        known: [],
        text,
        file,
        event_kinds: Object.keys(eventKinds),
      })
      io.err(...deprecations)
      return done<Checked>({ file, ok: true, ...countsOf(fleet) })
    } catch (thrown) {
      // Without --json, `runBurn` prints the findings as it prints any other error.
      if (!(thrown instanceof SpecError) || !common.json) throw thrown
      return done<Checked>({ file, ok: false, findings: thrown.findings }, thrown.exit)
    }
  },
  present(checked, io) {
    if (!checked.ok) return
    const { file, machines, windows, panes, roles } = checked
    const byRole = Object.entries(roles).map(([role, count]) => `${count} ${role}`)
    const size = `${counted(machines, 'machine')}, ${counted(windows, 'window')}, ${counted(panes, 'pane')}`
    io.out(`${file} is valid: ${size} (${byRole.join(', ')})`)
  },
})

interface Counts {
  readonly machines: number
  readonly windows: number
  readonly panes: number
  readonly roles: Readonly<Record<Role, number>>
}

function countsOf(fleet: Fleet): Counts {
  const workers = allWorkers(fleet)
  const count = (role: Role) => workers.filter((worker) => worker.role === role).length
  return {
    machines: fleet.machines.length,
    windows: fleet.machines.reduce((sum, machine) => sum + machine.windows.length, 0),
    panes: workers.length,
    roles: { worker: count('worker'), council: count('council'), sentinel: count('sentinel') },
  }
}

export const specDocsCommand = command({
  args: {},
  run: async () => done((await import('../../spec/reference.ts')).specReference().trimEnd()),
  present: (text, io) => io.out(...text.split('\n')),
})

export const specSchemaCommand = command({
  args: {},
  run: async () => done((await import('../../spec/schema-json.ts')).specJsonSchema()),
  present: (schema, io) => io.json(schema, true),
})
