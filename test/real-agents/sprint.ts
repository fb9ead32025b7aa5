/**
 * Checks one real program as the backend of a sprint, with two turns of one conversation in a workspace. The workspace, the model server
 * and the reported usage show whether all is right.
 */
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

/** Checks nothing if this program can't be a backend. A workspace and a home are made below `root`. */
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
  const backend = openBackend(config, { clock: systemClock, home, env, fetch, secret: async () => '', sprintAgent, random: Math.random })
  const budget = { turns: 20, tokens: 1_000_000, time: 120_000, money: null }
  const talk = backend.begin({ id: '1m7zj7m961cnr', dir, tools: [], budget, note: () => {}, recordRun: async () => {} })
  const turns = ['Write down that it was made.', `And once more, please.\n${bait(home, [dir])}`]
  try {
    for (const [index, text] of turns.entries()) {
      model.calling.set('', shellCall('echo made >> made.txt'))
      const { failure, text: answer, usage } = await talk.say(text, new AbortController().signal)
      expect('sprint', failure === null, `turn ${index + 1}: ${failure?.class}: ${failure?.reason}`)
      expect('sprint', answer === 'All is well.', `it answers ${JSON.stringify(answer)}`)
      // The model server reports 10 and 3 tokens for each answer, and gives two answers in a turn.
      const used = [usage.tokens_in, usage.tokens_out].join(' and ')
      // Hermes reports no usage.
      const wanted = program.kind === 'hermes' ? '0 and 0' : `${20 * (index + 1)} and ${6 * (index + 1)}`
      expect('sprint', used === wanted, `after turn ${index + 1} it used ${used} tokens`)
    }
    const made = join(dir, 'made.txt')
    expect('sprint', existsSync(made) && readFileSync(made, 'utf8') === 'made\nmade\n', 'the command was run twice')
    // This need not be the last request, because Hermes 0.22 also asks for a title.
    const both = model.asked.some(({ texts }) => ['Write down that', 'And once more'].every((words) => texts.join('\n').includes(words)))
    const last = model.asked.slice(-3).map(({ texts }) => texts.join(' ').slice(0, 120))
    expect('sprint', both, `its second turn continues the first${both ? '' : `; its last requests: ${JSON.stringify(last)}`}`)
    const found = caught(model)
    expect('canary', found === null, `files that a sprint's issue names: ${found ?? 'none reached the model'}`)
  } finally {
    await talk.close()
    model.close()
  }
}
