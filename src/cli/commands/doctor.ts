/** `burn doctor`: is everything there that a fleet needs. */
import { Command } from 'commander'
import type { Finding } from '../../doctor/findings.ts'
import type { CommonOptions, Context, OpenSession } from '../context.ts'
import { machinesNamed, withCommon, withOpen } from '../context.ts'

const signs = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const

export function doctorCommand(context: Context): Command {
  return withCommon(new Command('doctor'))
    .description('check machines, forge, credentials, ledger, and what sprints need; each finding says what mends it')
    .argument('[machine...]', 'only these (default: all)')
    .addHelpText('after', '\nExample:\n  burn doctor allegro')
    .action((names: string[], options: CommonOptions) =>
      withOpen(context, options, async (open) => {
        const { session } = open
        const { doctor } = await import('../../doctor/doctor.ts')
        const { io } = context
        const say = (finding: Finding) => {
          if (!options.json) io.out(lineOf(finding, context))
        }
        const machines = machinesNamed(session.fleet, names)
        const parts = [doctor(machines, session, say), ...(session.fleet.sprint === null ? [] : [sprintsChecked(open, context, say)])]
        const findings = (await Promise.all(parts)).flat()
        const count = (level: string) => findings.filter((finding) => finding.level === level).length
        if (options.json) io.out(JSON.stringify({ findings }))
        else io.out(`${findings.length} checks: ${count('ok')} well, ${count('warn')} to look at, ${count('fail')} to mend`)
        return count('fail') > 0 ? 1 : count('warn') > 0 ? 3 : 0
      }),
    )
}

async function sprintsChecked(open: OpenSession, context: Context, say: (finding: Finding) => void): Promise<readonly Finding[]> {
  const { wireSprints } = await import('../wire-sprints.ts')
  const { sprintDoctor } = await import('../../sprint/doctor.ts')
  return sprintDoctor(await wireSprints(open, context, () => undefined), say)
}

function lineOf({ level, where, what, mend }: Finding, { io }: Context): string {
  const [colour, sign] = signs[level]
  return `${io.paint(colour, sign)} ${io.paint('bold', where)}  ${what}${mend === '' ? '' : `\n    ${mend}`}`
}
