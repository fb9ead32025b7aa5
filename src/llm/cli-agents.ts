/**
 * The agents that work from a command line, as data: what is put behind their command, and who reads what they print. The prompt comes on stdin for all of
 * them, so that it is in no argv, which other users can read and which holds 128 KiB at most.
 *
 * Nobody is there to approve anything:
 * - claude: `acceptEdits` with Bash allowed, and not `bypassPermissions`, which claude refuses to root; edits outside the workspace stay refused.
 * - codex: its own sandbox lets it write in the workspace; `exec` never asks.
 * - opencode: `run` refuses by itself whatever would be asked.
 * - hermes: `--yolo`, since without a terminal its approvals time out one after another.
 * Facts: claude, codex and opencode as `npm run test:agents` runs them; `hermes_cli/_parser.py` of NousResearch/hermes-agent, which no test has run. The
 * other tests have stand-ins.
 */
import type { SprintNote } from '../core/sprint.ts'
import { readClaude, readCodex, readHermes, readOpencode, readPlain, type Reader } from './cli-outputs.ts'

export interface CliAsk {
  readonly model: string | null
  /** Of the conversation so far; null at its begin, and where the agent has told of none. */
  readonly session: string | null
  /** Turns that are left. */
  readonly turns: number
}

export interface CliAgent {
  readonly command: readonly string[]
  /** What it says that it used: in this run, or in its whole session so far. */
  readonly counts: 'run' | 'session'
  /** Variables that keep it from expanding what an issue's text names. */
  readonly env?: Readonly<Record<string, string>>
  argv(ask: CliAsk): readonly string[]
  read(note: (note: SprintNote) => void): Reader
}

const given = (flag: string, value: string | null): readonly string[] => (value === null ? [] : [flag, value])

const words = (text: string): readonly string[] => text.split(' ')

export const cliAgents: Readonly<Record<'hermes' | 'claude' | 'codex' | 'opencode' | 'custom', CliAgent>> = {
  hermes: {
    command: ['hermes'],
    counts: 'run',
    argv: ({ model, session, turns }) => [
      ...words(`chat -Q --yolo --source tool --query-file - --max-turns ${turns}`),
      ...given('-m', model),
      ...given('--resume', session),
    ],
    read: readHermes,
  },
  claude: {
    command: ['claude'],
    counts: 'run',
    // Else it reads every file that the prompt names as `@path`, the person's own as well, and sends it along without asking.
    env: { CLAUDE_CODE_DISABLE_ATTACHMENTS: '1' },
    argv: ({ model, session, turns }) => [
      ...words(`-p --output-format json --permission-mode acceptEdits --allowedTools Bash --max-turns ${turns}`),
      ...given('--model', model),
      ...given('--resume', session),
    ],
    read: readClaude,
  },
  codex: {
    command: ['codex'],
    counts: 'session',
    argv: ({ model, session }) => [
      ...words('exec --json --skip-git-repo-check --sandbox workspace-write'),
      ...given('--model', model),
      ...given('resume', session),
      '-',
    ],
    read: readCodex,
  },
  opencode: {
    command: ['opencode'],
    counts: 'run',
    argv: ({ model, session }) => [...words('run --format json'), ...given('--model', model), ...given('--session', session)],
    read: readOpencode,
  },
  custom: { command: [], counts: 'run', argv: () => [], read: readPlain },
}
