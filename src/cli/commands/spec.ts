/** `burn spec`: the fleet spec, checked and explained. */
import { Command } from 'commander'
import type { Fleet, Role } from '../../core/nouns.ts'
import type { CommonOptions, Context } from '../context.ts'
import { SpecError } from '../../spec/findings.ts'
import { allWorkers, withCommon } from '../context.ts'

export function specCommand(context: Context): Command {
  return new Command('spec')
    .description('check, explain and describe fleet-spec.json')
    .addCommand(checkCommand(context))
    .addCommand(docsCommand(context))
    .addCommand(schemaCommand(context))
}

function checkCommand(context: Context): Command {
  return withCommon(new Command('check'))
    .description('is the spec right; every finding has its line and column')
    .addHelpText('after', '\nExamples:\n  burn spec check\n  burn spec check --spec examples/timmy/fleet-spec.json')
    .action(async (options: CommonOptions) => {
      const [{ readSpec }, { parseSpec }, { completeSpec }] = await Promise.all([
        import('../wire.ts'),
        import('../../spec/load.ts'),
        import('../../spec/complete.ts'),
      ])
      const { file, text } = await readSpec(options.spec, context)
      try {
        const { fleet, deprecations } = completeSpec(parseSpec(text, file), { home: context.home, known: [], text, file })
        for (const line of deprecations) context.io.err(line)
        context.io.out(options.json ? JSON.stringify({ file, ok: true, ...countsOf(fleet) }) : sentence(file, countsOf(fleet)))
      } catch (thrown) {
        // A person reads the findings as every error is shown; a program gets them one by one.
        if (!(thrown instanceof SpecError) || options.json !== true) throw thrown
        context.io.out(JSON.stringify({ file, ok: false, findings: thrown.findings }))
        context.setExit(thrown.exit)
      }
    })
}

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

function sentence(file: string, { machines, windows, panes, roles }: Counts): string {
  const each = Object.entries(roles).map(([role, count]) => `${count} ${role}`)
  return `${file}: right. ${machines} machines, ${windows} windows, ${panes} panes: ${each.join(', ')}`
}

function docsCommand({ io }: Context): Command {
  return new Command('docs').description('every key: its type, its default, what it means (Markdown)').action(async () => {
    io.out((await import('../../spec/reference.ts')).specReference().trimEnd())
  })
}

function schemaCommand({ io }: Context): Command {
  return new Command('schema').description('the JSON Schema, for editors').action(async () => {
    io.out(JSON.stringify((await import('../../spec/schema-json.ts')).specJsonSchema(), null, 2))
  })
}
