/** One real program as the backend of a sprint: two turns of one conversation in a workspace, judged by the workspace, the model server and what it says it used. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BackendConfig } from '../../src/core/sprint.ts'
import type { Expect } from './verdict.ts'
import type { Program } from './programs.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { sprintAgent } from '../../src/agents/index.ts'
import { agentNames, isSprintAgent } from '../../src/core/agent-kinds.ts'
import { openBackend } from '../../src/llm/open.ts'
import { bait, caught } from './canary.ts'
import { shellCall, startModel } from './model.ts'
import { offline, writeHome } from './programs.ts'

type Cli = Extract<BackendConfig, { kind: 'cli' }>

const isCli = (kind: string): kind is Cli['agent'] => agentNames.filter(isSprintAgent).some((name) => name === kind)

/** Nothing is checked where this program is no backend. `root`: a workspace and a home are made below it. */
export async function checkSprint(program: Program, bin: string, root: string, expect: Expect): Promise<void> {
  if (!isCli(program.kind)) return
  const [dir, home] = [join(root, 'sprint/work'), join(root, 'sprint')]
  mkdirSync(dir, { recursive: true })
  execFileSync('git', ['init', '-q', dir])
  const model = await startModel()
  const setting = program.setting(model.url, home, [dir])
  writeHome(home, setting)
  const config: Cli = { kind: 'cli', agent: program.kind, command: [bin], model: null, env: { ...offline, ...setting.env } }
  const env = { PATH: process.env['PATH'], TERM: 'dumb' }
  const backend = openBackend(config, { clock: systemClock, home, env, secret: async () => '', sprintAgent, random: Math.random })
  const budget = { turns: 20, tokens: 1_000_000, time: 120_000, money: null }
  const talk = backend.begin({ id: '1m7zj7m961cnr', dir, tools: [], budget, note: () => {} })
  const turns = ['Write down that it was made.', `And once more, please.\n${bait(home, [dir])}`]
  try {
    for (const [index, text] of turns.entries()) {
      model.calling.set('', shellCall('echo made >> made.txt'))
      const { failure, text: said, usage } = await talk.say(text, new AbortController().signal)
      expect('sprint', failure === null, `turn ${index + 1}: ${failure?.class}: ${failure?.reason}`)
      expect('sprint', said === 'All is well.', `it says ${JSON.stringify(said)}`)
      // The model says 10 and 3 of each answer, and gives two a turn.
      const used = [usage.tokens_in, usage.tokens_out].join(' and ')
      // Hermes says nothing of tokens.
      const wanted = program.kind === 'hermes' ? '0 and 0' : `${20 * (index + 1)} and ${6 * (index + 1)}`
      expect('sprint', used === wanted, `after turn ${index + 1} it used ${used} tokens`)
    }
    const made = join(dir, 'made.txt')
    expect('sprint', existsSync(made) && readFileSync(made, 'utf8') === 'made\nmade\n', 'what it was told to run was run twice')
    // Not always the last: Hermes 0.22 asks for a title beside its turns.
    const both = model.asked.some(({ texts }) => ['Write down that', 'And once more'].every((words) => texts.join('\n').includes(words)))
    const last = model.asked.slice(-3).map(({ texts }) => texts.join(' ').slice(0, 120))
    expect('sprint', both, `its second turn goes on with the first${both ? '' : `; it asked last: ${JSON.stringify(last)}`}`)
    const found = caught(model)
    expect('canary', found === null, `files that a sprint's issue names: ${found ?? 'none reached the model'}`)
  } finally {
    await talk.close()
    model.close()
  }
}
