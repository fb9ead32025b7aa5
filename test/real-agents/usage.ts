/**
 * Checks that the tokens in the ledger equal those that the model server reported: in total, and for each issue. The steps are those in which
 * agents record tokens in another way: failed requests, a new conversation, an answer that is cut, a sub-agent, a compaction, and a
 * conversation that continues in another process.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Call } from './model.ts'
import type { Counts } from './protocols.ts'
import type { Program } from './programs.ts'
import { messageOf } from '../../src/core/errors.ts'
import { names, settle } from './fleet.ts'
import { add, none, said, UsageCheck, type Rig, type Unrecorded } from './usage-check.ts'

/** The commands of an agent that change how it records tokens. */
interface Commands extends Unrecorded {
  readonly fresh: string
  readonly compact: string
  /** The tool that starts a sub-agent. */
  readonly sub_agent: RegExp
}

/** Version 0.22 records its reviews in the background, but not the summaries of a compression. */
const hermes: Commands = { fresh: '/new', compact: '/compress', unrecorded: /You are a summarization agent/, sub_agent: /^delegate_task$/ }

/** The commands by the kind of the agent, or by one version of its package. */
const commands: Readonly<Record<string, Commands>> = {
  claude: {
    fresh: '/clear',
    compact: '/compact',
    // Titles, and the summaries of a compaction.
    unrecorded: /Write the title in the language|Respond with plain text only — an <analysis> block|how to write this summary\./,
    sub_agent: /^(?:Task|Agent)$/,
  },
  codex: { fresh: '/new', compact: '/compact', unrecorded: /Generate a concise, single-line task title/, sub_agent: /^spawn_agent$/ },
  gemini: {
    fresh: '/clear',
    compact: '/compress',
    // The summaries of a compression, and that of the last session for the list of sessions.
    unrecorded: /(?:new|evaluate the) <state_snapshot>|Summarize the user's primary intent or goal/,
    drops_empty: true,
    sub_agent: /^(?:codebase_investigator|generalist)$/,
  },
  qwen: {
    fresh: '/clear',
    compact: '/compress',
    // Suggested prompts, which burn's hooks switch off, and the checks of the automatic mode.
    unrecorded: /\[SUGGESTION MODE: |You are a security classifier for an AI coding agent/,
    sub_agent: /^(?:agent|task)$/,
  },
  opencode: { fresh: '/new', compact: '/compact', unrecorded: /You are a title generator/, sub_agent: /^task$/ },
  pi: { fresh: '/new', compact: '/compact', sub_agent: /^(?:agent|task)$/ },
  hermes,
  'hermes-agent@0.19.0': { ...hermes, unrecorded: /Review the conversation above and |You are a summarization agent/ },
}

/** Returns counts that differ from answer to answer, so that a lost or repeated answer shows in the sums. */
export function countsOf(number: number): Counts {
  return { input: 1_000 + 7 * number, cache_read: 300 + 3 * number, cache_write: 0, output: 50 + number, reasoning: number % 5 }
}

/** Returns a call of the tool that starts a sub-agent. */
function subAgentCall(tool: RegExp): Call {
  const value = (kind: string, name: string) => (/type/.test(name) ? kind : 'Say that all is well.')
  const wanted = /description|prompt|message|goal|objective|request|^task$|^task_name$|subagent_type|context/
  return {
    tool,
    args: ({ name: own, parameters }) => {
      // The general sub-agent of OpenCode has another name than that of Claude Code and Qwen Code.
      const kind = own === 'task' ? 'general' : 'general-purpose'
      return Object.fromEntries(parameters.filter((name) => wanted.test(name)).map((name) => [name, value(kind, name)]))
    },
  }
}

/** Runs all steps. A step that an agent cannot do is a finding, and the next step follows. */
export async function checkUsage({ kind, packaged }: Pick<Program, 'kind' | 'packaged'>, rig: Rig): Promise<void> {
  const { open, place, model, expect } = rig
  const own = commands[packaged] ?? commands[kind]
  if (own === undefined) return
  const check = new UsageCheck(own, rig)
  model.turn_ms = 300
  await settle(open, names, ({ state }) => state === 'idle')
  for (const number of names.keys())
    writeFileSync(join(place.root, `forge/issues/app/${number + 1}.md`), `---\ntitle: Fix ${number + 1}\nstate: closed\n---\nDone.\n`)
  await check.compare('all checks before')
  const steps: readonly (readonly [string, () => Promise<void>])[] = [
    ['plain', () => check.work('A plain turn')],
    ['fresh', async () => (await check.type(own.fresh), await check.work('A new conversation'))],
    ['server', () => check.work('A failure', { failure: { status: 500, code: 'server_error', message: 'The server had an error.' } })],
    ['cut', () => check.work('A cut answer', { failure: 'cut' })],
    ['sub-agent', () => check.work('A sub-agent', { call: subAgentCall(own.sub_agent) })],
    ['compact', async () => (await check.type(own.compact), await check.compare('compaction'), await check.work('After a compaction'))],
    ['resume', async () => (await check.restart(), await check.work('A continued conversation'))],
    // The text of a person belongs to no issue, or to that at its time.
    ['issues', () => check.compareIssues()],
    ['text', () => check.text('A text of a person.')],
  ]
  for (const [name, step] of steps) {
    try {
      await step()
    } catch (thrown) {
      expect('usage', false, `${name} ended early: ${messageOf(thrown)}`)
    }
  }
  if (process.env['BURN_CCUSAGE'] !== undefined) await compareCcusage(process.env['BURN_CCUSAGE'], kind, rig)
}

/** Returns all homes of Hermes, because ccusage finds no profiles. */
function hermesHomes(home: string): string[] {
  const homes = [join(home, '.hermes'), join(home, '.hermes-shared')]
  const profiles = join(home, '.hermes/profiles')
  return [...homes, ...(existsSync(profiles) ? readdirSync(profiles).map((name) => join(profiles, name)) : [])]
}

/** Prints the sums of ccusage beside those of burn. */
async function compareCcusage(program: string, kind: string, { open, place, model, expect }: Rig): Promise<void> {
  const env = { HOME: place.home, HERMES_HOME: hermesHomes(place.home).join(',') }
  const printed = execFileSync(program, [kind, 'daily', '--json', '--offline'], { env, encoding: 'utf8' })
  const { totals } = JSON.parse(printed) as { totals: Readonly<Record<string, number>> }
  const served = model.served.filter(({ whole }) => whole).reduce(add, none)
  expect(
    'usage',
    true,
    `ccusage: recorded ${JSON.stringify((await open.session.ledger.usage({ since: 0 })).reduce(add, none))}; served ${said(served)}, ccusage ${JSON.stringify(totals)}`,
  )
}
