/** One real program as the backend of a sprint: two turns of one conversation in a workspace, judged by the workspace, the model server and what it says it used. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BackendConfig, SprintNote } from '../../src/core/sprint.ts'
import type { Program } from './programs.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { cliAgents } from '../../src/llm/cli-agents.ts'
import { openBackend } from '../../src/llm/open.ts'
import { startModel } from './model.ts'
import { writeHome } from './programs.ts'

type Cli = Extract<BackendConfig, { kind: 'cli' }>

const turns = ['Write down that it was made.', 'And once more, please.']
const isCli = (kind: string): kind is Cli['agent'] => kind in cliAgents

/** What was wrong; null where this program is no backend. `cache`: below it the workspace and a home are made, since codex starts no sandbox below /tmp. */
export async function checkSprint(program: Program, bin: string, cache: string): Promise<readonly string[] | null> {
  if (!isCli(program.kind)) return null
  const root = mkdtempSync(join(cache, 'sprint-'))
  const [dir, home] = [join(root, 'work'), join(root, 'home')]
  for (const each of [dir, home]) mkdirSync(each)
  execFileSync('git', ['init', '-q', dir])
  const model = await startModel()
  const setting = program.setting(model.url, dir)
  writeHome(home, setting)
  const wrong: string[] = []
  const notes: SprintNote[] = []
  const expect = (holds: boolean, what: string) => void (holds || wrong.push(`as a sprint: ${what}`))
  const config: Cli = { kind: 'cli', agent: program.kind, command: [bin], model: null, env: setting.env }
  const env = { PATH: process.env['PATH'], TERM: 'dumb' }
  const backend = openBackend(config, { clock: systemClock, home, env, secret: async () => '', random: Math.random })
  const budget = { turns: 20, tokens: 1_000_000, time: 120_000, money: null }
  const talk = backend.begin({ id: '1m7zj7m961cnr', dir, tools: [], budget, note: (note) => void notes.push(note) })
  try {
    for (const [index, text] of turns.entries()) {
      model.command = 'echo made >> made.txt'
      const { failure, text: said, usage } = await talk.say(text, new AbortController().signal)
      expect(failure === null, `turn ${index + 1} failed: ${failure?.class}: ${failure?.reason}`)
      expect(said === 'All is well.', `it says ${JSON.stringify(said)}`)
      // The model says 10 and 3 of each answer, and gives two a turn.
      const used = [usage.tokens_in, usage.tokens_out]
      expect(
        used.join() === [20 * (index + 1), 6 * (index + 1)].join(),
        `after turn ${index + 1} it says that it used ${used.join(' and ')} tokens`,
      )
    }
    expect(readFileSync(join(dir, 'made.txt'), 'utf8') === 'made\nmade\n', 'what it was told to run was not run, twice')
    const last = model.asked.at(-1)?.texts.join('\n') ?? ''
    expect(
      turns.every((text) => last.includes(text)),
      'its second turn does not go on with the first',
    )
    return wrong
  } finally {
    await talk.close()
    model.close()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}
