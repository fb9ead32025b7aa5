/** Writes the first spec of a fleet, with comments. `burn init` saves it. */
import * as z from 'zod'
import type { AgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/secret-source.ts'
import { line, name, owner, repo } from './values.ts'

/** The values of a first spec. */
export interface StarterChoice {
  readonly name: string
  readonly forge: StarterForge
  readonly repos: readonly StarterRepo[]
  readonly agent: StarterAgent
  readonly machine: string
  readonly panes: number
}

/** The forge of the spec. */
export type StarterForge =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'gitea'; readonly url: string; readonly owner: string; readonly token: SecretSource }

/** A repo of the spec. A setting is null if the spec does not need it. */
export interface StarterRepo {
  readonly name: string
  readonly base: string | null
  readonly check: string | null
  readonly clone_url: string | null
}

/** An agent of the spec. `command`: null for the default command of the kind. */
export interface StarterAgent {
  readonly kind: AgentName
  readonly command: readonly string[] | null
}

const schemas = {
  name,
  owner,
  repo,
  url: z.url({ protocol: /^https?$/, error: 'must be an address that begins with https://' }),
  line,
} as const

/** Returns the fault of a value for the spec, as a phrase such as `must not be empty`; null if the value is valid. */
export function starterFault(key: keyof typeof schemas, value: string): string | null {
  const result = schemas[key].safeParse(value, { jitless: true })
  return result.success ? null : (result.error.issues[0]?.message ?? 'is not valid')
}

/** Returns the text of the spec: JSON with comments. */
export function starterSpec({ name: fleet, forge, repos, agent, machine, panes }: StarterChoice): string {
  const settings = repos.flatMap(({ name: repoName, ...all }) => {
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
    return Object.keys(given).length === 0 ? [] : [`    ${json(repoName)}: ${json(given)},`]
  })
  const window = { name: 'WORK', panes, repos: repos.map((each) => each.name) }
  const lines = [
    '// A fleet of burn. "burn spec check" checks this file, and "burn spec docs" explains every key.',
    '{',
    '  // burn uses this name for the tmux session and for its database.',
    `  "name": ${json(fleet)},`,
    '',
    ...forgeLines(forge),
    '',
    '  // The program in each pane. "command" replaces its start command, "model" sets its model.',
    `  "agent": ${json(agent.command === null ? { kind: agent.kind } : agent)},`,
    '',
    ...(settings.length === 0
      ? []
      : [
          '  // "base": the branch that changes are for. "check": the command that must succeed before a change is opened.',
          '  "repos": {',
          ...settings,
          '  },',
          '',
        ]),
    '  // A machine without "host" is this computer. Its windows are tmux windows, and each pane has a worker.',
    '  // The workers get the issues of the repos of their window.',
    '  "machines": {',
    `    ${json(machine)}: {`,
    `      "windows": [${json(window)}],`,
    '    },',
    '  },',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function forgeLines(forge: StarterForge): string[] {
  const comment =
    forge.kind === 'folder'
      ? 'Issues are Markdown files in this folder: issues/REPO/1.md. Each repo is a bare git repository: REPO.git.'
      : 'The forge with the issues. "token" says where burn reads the API token. Never write the token itself here.'
  return [`  // ${comment}`, `  "forge": ${json(forge)},`]
}

/** Returns a value as JSON in one line, with spaces as people write them. */
function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const pairs = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${json(each)}`)
  return `{ ${pairs.join(', ')} }`
}
