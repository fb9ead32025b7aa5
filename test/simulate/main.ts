/**
 * `npm run storm -- --seeds 200 --issues 500 [--from 1] [--jobs 2]`: simulates a night with all faults per seed, and prints the broken
 * rules.
 */
import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { night, type Night } from './storm.ts'

interface NightResult {
  readonly seed: number
  readonly night?: Night
  readonly broken?: string
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    issues: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    /** For a child process: its number. It takes every `jobs`-th seed. */
    own: { type: 'string' },
  },
})
const [seeds, issues, from, jobs] = [values.seeds, values.issues, values.from, values.jobs].map(count) as [number, number, number, number]

function count(word: string): number {
  if (/^[1-9]\d*$/.test(word)) return Number(word)
  console.error(`'${word}' is not a count: --seeds, --issues, --from and --jobs take whole numbers from 1`)
  process.exit(2)
}

async function child(own: number): Promise<void> {
  for (let seed = from + own; seed < from + seeds; seed += jobs) {
    const result: NightResult = await night(seed, issues).then(
      (done) => ({ seed, night: done }),
      (thrown: unknown) => ({ seed, broken: (thrown as Error).message }),
    )
    process.send?.(result)
  }
  process.disconnect()
}

function parent(): void {
  const total = {
    nights: 0,
    broken: 0,
    dispatches: 0,
    faults: 0,
    cycles: 0,
    hours: 0,
    unknown: 0,
    twice: 0,
    told: 0,
    merges: 0,
    unblocked: 0,
  }
  const began = Date.now()
  let left = jobs
  for (let own = 0; own < jobs; own++) {
    const running = fork(import.meta.filename, [...process.argv.slice(2), '--own', String(own)])
    running.on('message', ({ seed, night: done, broken }: NightResult) => {
      total.nights += 1
      if (done === undefined) {
        total.broken += 1
        console.log(`BROKEN ${broken ?? seed}`)
        return
      }
      for (const key of ['dispatches', 'faults', 'cycles', 'hours', 'unknown', 'twice', 'told', 'merges', 'unblocked'] as const)
        total[key] += done[key]
      if (total.nights % 10 === 0) console.log(`${total.nights} of ${seeds} nights, ${total.dispatches} dispatches, ${total.broken} broken`)
    })
    running.on('exit', () => {
      left -= 1
      if (left > 0) return
      const { nights, broken, dispatches, faults, cycles, hours, unknown, twice, told, merges, unblocked } = total
      const missing = seeds - nights
      console.log(
        `${dispatches} dispatches in ${nights} nights (${Math.round(hours)} hours, ${cycles} cycles, ${faults} faults), ${unknown} unknown, ${twice} issues with a duplicate comment; ${told} follow-ups, ${merges} merges by burn, ${unblocked} unblocked issues; in ${Math.round((Date.now() - began) / 1000)} s: ${broken + missing === 0 ? 'no rule was broken' : `${broken} nights broke a rule, ${missing} did not end`}`,
      )
      process.exitCode = broken + missing === 0 ? 0 : 1
    })
  }
}

if (values.own === undefined) parent()
else await child(Number(values.own))
