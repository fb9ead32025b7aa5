/** `burn spec`: the fleet spec, checked and explained. */
import { Command } from 'commander'
import type { Role } from '../../core/nouns.ts'
import type { CommonOptions, Context } from '../context.ts'
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
      const { io } = context
      const { file, text } = await readSpec(options.spec, context)
      const { fleet } = completeSpec(parseSpec(text, file), { home: context.home, known: [], text, file })
      const workers = allWorkers(fleet)
      const windows = fleet.machines.reduce((sum, machine) => sum + machine.windows.length, 0)
      const roles = (['worker', 'council', 'sentinel'] as const satisfies readonly Role[]).map((role) => ({
        role,
        count: workers.filter((worker) => worker.role === role).length,
      }))
      if (options.json)
        io.out(
          JSON.stringify({
            file,
            ok: true,
            machines: fleet.machines.length,
            windows,
            panes: workers.length,
            roles: Object.fromEntries(roles.map(({ role, count }) => [role, count])),
          }),
        )
      else
        io.out(
          `${file}: right. ${fleet.machines.length} machines, ${windows} windows, ${workers.length} panes: ${roles.map(({ role, count }) => `${count} ${role}`).join(', ')}`,
        )
    })
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
