/** `burn doctor`: checks that the fleet has what it needs to run, and prints each finding with its remedy. */
import type { Finding } from '../../doctor/findings.ts'
import { command, done, type Deps, type OpenSession } from '../command.ts'
import type { Io } from '../io.ts'
import { machinesNamed } from '../named.ts'
import { counted } from '../../core/text.ts'
import { list } from '../args.ts'

const signs = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const

export const doctorCommand = command({
  args: { machines: list('[machine...]', 'Machines to check (default: all)') },
  examples: ['burn doctor', 'burn doctor allegro'],
  notes: ['Exit codes: 0 all checks are ok, 1 a check failed, 2 usage or spec error, 3 no check failed, but there are warnings.'],
  async run(deps, given) {
    const open = await deps.open()
    const { session } = open
    const { doctor } = await import('../../doctor/doctor.ts')
    const show = (finding: Finding) => deps.person?.out(...linesOf(finding, deps.person))
    const machines = machinesNamed(session.fleet, given.machines)
    const parts = [doctor(machines, session, show), ...(session.fleet.sprint === null ? [] : [checkSprints(open, deps, show)])]
    const findings = (await Promise.all(parts)).flat()
    const has = (level: string) => findings.some((finding) => finding.level === level)
    return done({ findings }, has('fail') ? 1 : has('warn') ? 3 : 0)
  },
  /** Prints only the totals. `run` has printed each finding as soon as it was known. */
  present({ findings }, io) {
    const count = (level: string) => findings.filter((finding) => finding.level === level).length
    const warnings = counted(count('warn'), 'warning')
    io.out(`${counted(findings.length, 'check')}: ${count('ok')} ok, ${warnings}, ${count('fail')} failed`)
  },
})

async function checkSprints(open: OpenSession, deps: Deps, show: (finding: Finding) => void): Promise<readonly Finding[]> {
  const { wireSprints } = await import('../wire-sprints.ts')
  const { sprintDoctor } = await import('../../sprint/doctor.ts')
  return sprintDoctor(await wireSprints(open, deps, () => undefined), show)
}

function linesOf({ level, where, what, remedy }: Finding, io: Io): string[] {
  const [colour, sign] = signs[level]
  return [
    `${io.paint(colour, sign)} ${io.paint('bold', where)}  ${what}`,
    ...(remedy === '' ? [] : remedy.split('\n').map((line) => `    ${line}`)),
  ]
}
