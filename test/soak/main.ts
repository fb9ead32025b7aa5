/**
 * `npm run soak [-- --deliveries N] [--minutes M] [--panes P] [--seed S] [--ssh]`: delivers texts to stand-in agents under injected
 * trouble, and judges them by the agents' logs. Prints a table of troubles and outcomes. Exits with 1 on a violation.
 */
import { parseArgs } from 'node:util'
import { table } from '../../src/cli/table.ts'
import { seeded } from '../../src/core/random.ts'
import { startSshd } from '../support/sshd.ts'
import { openFleet } from './fleet.ts'
import { soak } from './run.ts'

const { values } = parseArgs({
  options: {
    deliveries: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '60' },
    panes: { type: 'string', default: '16' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    ssh: { type: 'boolean', default: false },
  },
})
const states = ['seen', 'refused', 'unknown', 'submitted']
const ends: (() => unknown)[] = []
const sshd = values.ssh ? await startSshd({ after: (end) => void ends.push(end as () => unknown) }) : null
console.log(`seed ${values.seed}${sshd === null ? '' : ', half of the panes over ssh'}`)
const fleet = await openFleet(Number(values.panes), sshd)
const began = performance.now()
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
let shown = 0
try {
  const tally = await soak(fleet, {
    deliveries: Number(values.deliveries),
    minutes: Number(values.minutes),
    random: seeded(Number(values.seed)),
    stop: stop.signal,
    onRound: ({ deliveries, violations }) => {
      for (; shown < violations.length; shown++) console.log(`VIOLATION ${violations[shown]}`)
      if (process.stderr.isTTY) process.stderr.write(`\r${deliveries} of ${values.deliveries}, ${violations.length} violations `)
    },
  })
  const rows = [...tally.outcomes].map(([trouble, row]) => [trouble, ...states.map((state) => String(row.get(state) ?? 0))])
  for (const line of table(['TROUBLE', ...states.map((state) => state.toUpperCase())], rows)) console.log(line)
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${tally.deliveries} deliveries in ${seconds.toFixed(0)} s (${(tally.deliveries / seconds).toFixed(1)} per second), ${tally.violations.length} violations; seed ${values.seed}`,
  )
  process.exitCode = tally.violations.length === 0 ? 0 : 1
} finally {
  await fleet.close()
  for (const end of ends) await end()
}
