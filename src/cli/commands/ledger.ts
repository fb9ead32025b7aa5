/** `burn ledger`: lists dispatches, checks and prunes the ledger, and releases the claims of a lost ledger. */
import { counted } from '../../core/text.ts'
import { keysOf } from '../../core/json.ts'
import { dispatchTransitions, slotStates } from '../../core/lifecycle.ts'
import { BurnError } from '../../core/errors.ts'
import { minuteOf } from '../../decide/report-lines.ts'
import { sentence } from '../../decide/wording.ts'
import { isStale } from '../../decide/dispatch-moves.ts'
import { command, done } from '../command.ts'
import { issueNamed, workerNamed } from '../named.ts'
import { duration, listTable } from '../table.ts'
import { choice, flag, optional, parsePositive, parsedArg, parseDuration } from '../args.ts'

const limit = parsedArg('--limit <n>', 'Maximum number of dispatches', parsePositive, 40)

export const ledgerCommand = command({
  args: {
    issue: optional('--issue <issue>', 'Show only dispatches of this issue'),
    worker: optional('--worker <worker>', 'Show only dispatches of this worker'),
    state: choice('--state <state>', 'Show only dispatches in this state', keysOf(dispatchTransitions), undefined),
    limit,
  },
  examples: [
    'burn ledger --state handed',
    'burn ledger --worker AZOTH --json',
    'burn ledger check',
    'burn ledger backup ~/backups/burn.db',
    'burn ledger prune --older-than 90d --dry-run',
    'burn ledger move postgres://burn@db.example.com/burn',
  ],
  async run({ open }, given) {
    const { ledger, fleet, clock } = (await open()).session
    const now = clock.now()
    const found = await ledger.dispatches({
      limit: given.limit,
      ...(given.issue === undefined ? {} : { issue: issueNamed(fleet, given.issue) }),
      ...(given.worker === undefined ? {} : { worker: workerNamed(fleet, given.worker).id }),
      ...(given.state === undefined ? {} : { state: given.state }),
    })
    const deliveries = new Map((await ledger.deliveries({ ids: found.map(({ id }) => id) })).map((d) => [d.id, d.state]))
    return done({
      dispatches: found.map((d) => ({
        ...d,
        delivery: deliveries.get(d.id) ?? null,
        stale: isStale(d, fleet.dispatch.stale_after, now),
      })),
    })
  },
  present({ dispatches: all }, io, given, now) {
    const rows = all.map((d) => [
      d.id,
      minuteOf(d.claimed_at),
      d.issue,
      d.worker,
      d.stale ? `${d.state}, stale` : d.state,
      duration(now - d.changed_at),
      d.delivery ?? '',
      sentence(d.state_reason),
    ])
    const head = ['DISPATCH', 'CLAIMED', 'ISSUE', 'WORKER', 'STATE', 'FOR', 'DELIVERY', 'WHY']
    io.out(...listTable(head, rows, io, ['DELIVERY', 'DISPATCH', 'FOR', 'WHY', 'CLAIMED']))
    const live = all.filter((d) => slotStates.includes(d.state)).length
    const more = all.length === given.limit ? ' (--limit shows more)' : ''
    io.out(`${counted(all.length, 'dispatch', 'dispatches')}${more}: ${live} live, ${all.filter((d) => d.stale).length} stale`)
  },
})

export const checkCommand = command({
  args: {},
  async run({ open }) {
    const { where, version, rows } = await (await open()).session.ledger.check()
    return done({ where, version, rows })
  },
  present({ where, version, rows }, io) {
    const rowCounts = Object.entries(rows).map(([name, count]) => `${name} ${count}`)
    io.out(`${where}: intact, schema version ${version}. Rows: ${rowCounts.join(', ')}`)
  },
})

export const migrateCommand = command({
  args: {},
  async run({ open }) {
    const { where, version, upgraded_from } = await (await open()).session.ledger.check()
    return done({ where, version, upgraded_from })
  },
  present: ({ where, version, upgraded_from }, io) => io.out(`${where}: ${upgradeText(version, upgraded_from)}`),
})

function upgradeText(version: number, from: number | null): string {
  if (from === null) return `the schema has version ${version} and is up to date`
  return from === 0 ? `created with schema version ${version}` : `upgraded the schema from version ${from} to ${version}`
}

export const ledgerPruneCommand = command({
  args: {
    older_than: parsedArg(
      '--older-than <duration>',
      'Minimum age of the history to delete, such as 90d (default: "retention" of the spec)',
      parseDuration,
      null,
    ),
    dry_run: flag('--dry-run', 'Show what would be deleted, and change nothing'),
  },
  examples: ['burn ledger prune --older-than 90d --dry-run', 'burn ledger prune'],
  async run({ open, clock }, { older_than, dry_run }) {
    const { ledger, fleet } = (await open()).session
    const age = older_than ?? fleet.retention
    if (age === null) {
      const hint = 'write --older-than 90d, or "retention": "365d" in the spec'
      throw new BurnError('retention_missing', 'no minimum age is set for the history to delete', hint, { exit: 2 })
    }
    return done({ ...(await ledger.prune(clock.now() - age, clock.now(), dry_run)), dry_run })
  },
  present({ dispatches, deliveries, events, dry_run }, io) {
    const counts = [
      counted(dispatches, 'dispatch', 'dispatches'),
      counted(deliveries, 'other delivery', 'other deliveries'),
      counted(events, 'event'),
    ]
    io.out(`${dry_run ? 'Would delete' : 'Deleted'} ${counts.join(', ')}`)
  },
})

export const releaseClaimsCommand = command({
  args: {
    dry_run: flag('-n, --dry-run', 'Show which claims would be released, and change nothing'),
    force: flag('--force', 'Release a claim even if its worker may still be working on the issue'),
  },
  notes: [
    'Use this command only if the other ledger of this fleet is lost or no longer used. A dispatcher that still uses the other ledger would assign the same issues.',
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 burn kept some claims.',
  ],
  examples: ['burn ledger release-claims --dry-run', 'burn ledger release-claims'],
  async run({ open }, { dry_run, force }) {
    const { session } = await open()
    const { adopt } = await import('../../operate/adopt.ts')
    const adopted = await adopt({ dryRun: dry_run, force }, session)
    return done({ ...adopted, dry_run }, adopted.kept.length > 0 ? 3 : 0)
  },
  present({ released, kept, dry_run }, io) {
    for (const { issue, dispatch, worker } of released)
      io.out(`${issue}  ${dry_run ? 'would be released' : 'released'}  dispatch ${dispatch}${worker === null ? '' : ` of ${worker}`}`)
    for (const { what, why } of kept) io.err(io.paint('yellow', `${what}: ${why}`))
    const count = counted(released.length, 'claim')
    io.out(
      `${dry_run ? `Would release ${count}` : `Released ${count}`} of another ledger${kept.length === 0 ? '' : `; kept ${kept.length}`}`,
    )
  },
})
