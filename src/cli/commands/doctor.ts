/** `burn doctor`: is everything there that a fleet needs. */
import { Command } from 'commander'
import type { Finding } from '../../run/findings.ts'
import type { CommonOptions, Context } from '../context.ts'
import { machinesNamed, withCommon, withSession } from '../context.ts'

const signs = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const

export function doctorCommand(context: Context): Command {
  return withCommon(new Command('doctor'))
    .description('check machines, forge, credentials and ledger; each finding says what mends it')
    .argument('[machine...]', 'only these (default: all)')
    .addHelpText('after', '\nExample:\n  burn doctor allegro')
    .action((names: string[], options: CommonOptions) =>
      withSession(context, options, async (session) => {
        const { doctor } = await import('../../run/doctor.ts')
        const { io } = context
        const findings = await doctor(machinesNamed(session.fleet, names), session, (finding) => {
          if (!options.json) io.out(lineOf(finding, context))
        })
        const count = (level: string) => findings.filter((finding) => finding.level === level).length
        if (options.json) io.out(JSON.stringify({ findings }))
        else io.out(`${findings.length} checks: ${count('ok')} well, ${count('warn')} to look at, ${count('fail')} to mend`)
        return count('fail') > 0 ? 1 : count('warn') > 0 ? 3 : 0
      }),
    )
}

function lineOf({ level, where, what, mend }: Finding, { io }: Context): string {
  const [colour, sign] = signs[level]
  return `${io.paint(colour, sign)} ${io.paint('bold', where)}  ${what}${mend === '' ? '' : `\n    ${mend}`}`
}
