/**
 * `npm run test:models` checks models on a real llama.cpp server, and on an imitated Ollama. The real server needs the environment variables
 * BURN_LLAMA_PYTHON and BURN_LLAMA_MODEL; without them, the program says so and skips this part. It is not a part of `npm test`. The exit
 * code is 1 if a state is wrong, or if a check changed which model is loaded.
 */
import type { TestContext } from 'node:test'
import { modelStates, type ModelState } from '../../src/core/model.ts'
import { keysOf } from '../../src/core/json.ts'
import { llama } from './llama.ts'
import { ollamaBesideWork, ollamaStates } from './ollama.ts'
import { realChain, realStates } from './real.ts'
import { Report } from './report.ts'
import { badStates } from './bad.ts'

const cleanups: (() => unknown)[] = []
// The helpers of tests need only this part of a test.
const t = { after: (work: () => unknown) => void cleanups.push(work) } as unknown as TestContext
const rounds = 250
const seed = 18

const real = new Report('llama.cpp server')
const server = await llama(process.env)
if (typeof server === 'string') real.skip(`the real server: ${server}`)
else {
  t.after(() => server.stop())
  await realStates(server, t, real)
  await realChain(server, t, real)
}
const imitated = new Report('imitated Ollama')
await ollamaStates(t, imitated)
await ollamaBesideWork(rounds, seed, imitated)
const bad = new Report('servers that are no servers of models')
await badStates(bad)
for (const cleanup of cleanups.toReversed()) await cleanup()
const reports = [real, imitated, bad]
for (const report of reports) report.print()
const seen = new Set(reports.flatMap((report) => [...report.seen]))
const missing = keysOf<ModelState>(modelStates).filter((state) => !seen.has(state))
const wrong = reports.reduce((sum, report) => sum + report.wrong, 0)
console.log(
  `\n${seen.size} of ${keysOf(modelStates).length} states seen${missing.length === 0 ? '' : `, missing: ${missing.join(', ')}`}; ${wrong} wrong`,
)
process.exit(wrong + missing.length === 0 ? 0 : 1)
