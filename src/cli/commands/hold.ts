/** `burn hold` and `burn resume`: stop new work for a part of the fleet, and allow new work again. */
import { heldName } from '../../decide/wording.ts'
import { command, done } from '../command.ts'
import { list, optional, text, timeFrom, usage } from '../args.ts'

const named = text('<name>', 'Worker, window (mac/CRUCIBLE), lane, machine, account or repo, or "all" for the whole fleet')

export const holdCommand = command({
  args: {
    name: named,
    why: list('[reason...]', 'Reason for the hold, for other people to read'),
    until: optional('--until <when>', 'End of the hold: 2h or 2026-12-24T08:00Z (default: until burn resume)'),
  },
  examples: ['burn hold AZOTH trying something in its pane', 'burn hold mac/CRUCIBLE --until 2h its disk is replaced', 'burn hold all'],
  async run({ open, env, clock }, given) {
    const { session } = await open()
    const { holdTargetsNamed, holdByHand } = await import('../../operate/hold.ts')
    const held = holdTargetsNamed(session.fleet, given.name)
    const until = given.until === undefined ? null : untilGiven(given.until, clock.now())
    const hold = given.why.join(' ') || 'by a person'
    const actor = env['USER'] ?? env['LOGNAME'] ?? 'a person'
    await holdByHand(held, { reason: { code: 'prose', text: hold }, until, actor }, session)
    return done({ held, hold, until: until === null ? null : new Date(until).toISOString() })
  },
  present({ held, hold, until }, io) {
    for (const { scope, name } of held) io.out(`${heldName(scope, name)} is held${until === null ? '' : ` until ${until}`}: ${hold}`)
  },
})

export const resumeCommand = command({
  args: { name: named },
  examples: ['burn resume AZOTH', 'burn resume all'],
  async run({ open }, given) {
    const { session } = await open()
    const { holdTargetsNamed, resumeByHand } = await import('../../operate/hold.ts')
    const named = holdTargetsNamed(session.fleet, given.name)
    const ended = await resumeByHand(named, session)
    return done({ named, resumed: ended.map(({ scope, name }) => ({ scope, name })) })
  },
  present({ named, resumed }, io) {
    if (resumed.length === 0) io.out(`there was no hold on ${named.map(({ scope, name }) => heldName(scope, name)).join(', ')}`)
    for (const { scope, name } of resumed) io.out(`${heldName(scope, name)} gets work again`)
  },
})

function untilGiven(written: string, now: number): number {
  const time = timeFrom(written, now, 1)
  if (time > now) return time
  throw usage(`--until: ${JSON.stringify(written)} is not in the future`, 'write --until 2h, or --until 2026-12-24T08:00Z')
}
