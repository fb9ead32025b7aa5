/**
 * `npm run night -- [--seed 1] [--quiet 20] [--drift 20] [--html report.html] [--postgres URL]`: simulates a night of 112 workers with troubles,
 * and compares the report and the health with the truth. Then it simulates quiet nights, in which health must find nothing: each in a process of
 * its own, as many at once as there are processors. `--drift`: nights in which agents record their requests to models, and `burn model drift`
 * must find nothing; and a quarter as many in which models change. `--only-quiet` and `--only-drift` leave out the other nights. `--postgres`
 * also measures a day in a ledger on PostgreSQL.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { keysOf } from '../../src/core/json.ts'
import { daySize } from './day-size.ts'
import { judgeDrift } from './drift-judge.ts'
import { driftNight } from './drift-night.ts'
import { usedBudgets } from './judge-budgets.ts'
import { judgeNight } from './judge.ts'
import { otherNeeds } from './judge-needs.ts'
import { ledgerGrowth, reportTime, sampleCpu } from './measures.ts'
import { simulateNight } from './night.ts'
import { troublesOf } from './troubles.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    quiet: { type: 'string', default: '20' },
    drift: { type: 'string', default: '20' },
    'only-quiet': { type: 'boolean', default: false },
    'only-drift': { type: 'boolean', default: false },
    html: { type: 'string' },
    postgres: { type: 'string' },
  },
})
const [seed, quietNights, driftNights] = [Number(values.seed), Number(values.quiet), Number(values.drift)]
const size = { machines: 4, panes: 28, before: 1, hours: 14 }
const dir = mkdtempSync(join(tmpdir(), 'burn-night-'))
let broken = 0
try {
  if (!values['only-drift'] && !values['only-quiet']) await eventfulNight()
  if (!values['only-drift']) await (quietNights === 1 ? quietNight(seed) : quietNightsAtOnce())
  if (!values['only-quiet']) {
    await watchedNights(driftNights, false)
    await watchedNights(Math.ceil(driftNights / 4), true)
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
console.log(broken === 0 ? 'all reports agree with the truth' : `${broken} contradictions`)
process.exitCode = broken === 0 ? 0 : 1

/** Simulates the quiet nights, each in a process of its own. Prints the output of each process when it ends. */
async function quietNightsAtOnce(): Promise<void> {
  const left = Array.from({ length: quietNights }, (_, index) => seed + index)
  const next = async (): Promise<void> => {
    const own = left.shift()
    if (own === undefined) return
    const args = ['--disable-warning=ExperimentalWarning', import.meta.filename, '--only-quiet', '--quiet', '1', '--seed', String(own)]
    const found = await new Promise<{ failed: boolean; out: string }>((resolve) => {
      execFile(process.execPath, args, (thrown, out, err) => resolve({ failed: thrown !== null, out: out + err }))
    })
    broken += Number(found.failed)
    for (const line of found.out.trimEnd().split('\n').slice(0, -1)) console.log(line)
    await next()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, next))
}

async function eventfulNight(): Promise<void> {
  const night = await simulateNight({ ...size, seed, ledger: `sqlite:${dir}/l.db`, troublesOf })
  const { wrong, explained, compared } = judgeNight(night)
  broken += wrong.length
  const { counts, needs_you } = night.report
  console.log(`seed ${seed}: 112 workers, 14 h, ${night.troubles.length} troubles, ${night.probes.length} judgements of health`)
  console.log(`${JSON.stringify(counts)}, ${needs_you.length} needs`)
  console.log(`${compared} numbers and items compared: ${wrong.length} wrong, ${explained.length} explained by the sampling`)
  for (const line of wrong) console.log(`  WRONG ${line}`)
  for (const [rule, count] of rulesOf(explained)) console.log(`  ${count} explained: ${rule}`)
  const { ms, cpu: work, html } = await reportTime(night)
  console.log(`report with HTML: ${ms.toFixed(0)} ms, ${work.toFixed(0)} ms CPU (limit 1000)`)
  if (values.html !== undefined) writeFileSync(values.html, html)
  const growth = await ledgerGrowth(night, `${dir}/copy.db`)
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`
  console.log(`ledger: ${mb(growth.samples)} of samples a day, ${mb(growth.usage)} of tokens`)
  for (const url of [`sqlite:${dir}/day.db`, ...(values.postgres === undefined ? [] : [values.postgres])]) {
    const { samples, usage } = await daySize(url, night.fleet, night.money.models)
    const engine = url.slice(0, url.indexOf(':'))
    console.log(`ledger on ${engine}, turns of 5 minutes: ${mb(samples)} a day of samples, ${mb(usage)} of tokens (limit 10 together)`)
    if (samples + usage > 10e6) {
      broken += 1
      console.log(`  WRONG the ledger on ${engine} grows by more than 10 MB a day`)
    }
  }
  const used = usedBudgets(night)
  console.log(`budgets used up: ${used.join(', ')}`)
  if (!used.some((each) => each.startsWith('lane'))) {
    broken += 1
    console.log('  WRONG no budget of a lane was used up')
  }
  const cpu = await sampleCpu(night)
  const share = cpu / night.fleet.telemetry.interval
  console.log(`sample: ${cpu.toFixed(0)} ms CPU (limit 150), ${(share * 100).toFixed(3)} % of a core (limit 1)`)
  await night.ledger.close()
}

async function quietNight(own: number): Promise<void> {
  const night = await simulateNight({ ...size, seed: own, ledger: 'sqlite::memory:', troublesOf: null })
  const alarms = night.probes.flatMap(({ results }) => results.filter(({ status }) => status === 'warn' || status === 'fail'))
  const { went_wrong, jobs } = night.report
  const needs_you = otherNeeds(night)
  const wrong = [...judgeNight(night).wrong, ...alarms.map(({ rule, evidence }) => `false alarm of ${rule}: ${evidence}`)]
  const items = went_wrong.length + needs_you.length + jobs.length
  broken += wrong.length + items
  console.log(`quiet night, seed ${own}: ${alarms.length} false alarms in ${night.probes.length} judgements, ${items} items in the report`)
  for (const line of wrong.slice(0, 20)) console.log(`  WRONG ${line}`)
  if (items > 0) console.log(`  WRONG ${JSON.stringify({ went_wrong, needs_you, jobs }).slice(0, 600)}`)
  await night.ledger.close()
}

/** Simulates nights of agents with models. `injects`: whether agents also get other settings than they should. */
async function watchedNights(count: number, injects: boolean): Promise<void> {
  const sum = { probes: 0, events: 0, drifts: 0, due: 0, missed: 0, alarms: 0 }
  for (let own = seed; own < seed + count; own++) {
    const night = await driftNight({ seed: own, injects })
    const { drifts, due, missed, alarms } = judgeDrift(night)
    const events = [...night.counts.values()].reduce((all, each) => all + each, 0)
    const found = { probes: night.probes.length, events, drifts, due, missed: missed.length, alarms: alarms.length }
    for (const key of keysOf(sum)) sum[key] += found[key]
    for (const line of [...missed, ...alarms].slice(0, 20)) console.log(`  WRONG seed ${own}: ${line}`)
  }
  if (count === 0) return
  broken += sum.missed + sum.alarms
  const found = injects ? `${sum.due - sum.missed} of ${sum.due} differences found within one cycle, ` : ''
  console.log(`drift, ${count} nights${injects ? ' with changes of models' : ''}: ${found}${sum.alarms} false alarms`)
  console.log(`  ${sum.probes} readings of 18 workers in 8 hours a night, ${sum.events} events`)
}

/** Counts the explanations by the rule of sampling, which is the text after the last colon. */
function rulesOf(explained: readonly string[]): Map<string, number> {
  const rules = new Map<string, number>()
  for (const line of explained) {
    const rule = line.slice(line.lastIndexOf(': ') + 2).replace(/ \(.*/, '')
    rules.set(rule, (rules.get(rule) ?? 0) + 1)
  }
  return rules
}
