/** Rules for the architecture: which part may import which, and which files may use packages and global effects. */
import { posix } from 'node:path'
import { isNode, nameOf, nodesOf, problem, type Problem, type Source } from './sources.ts'

const floors: Readonly<Record<string, number>> = {
  core: 0,
  spec: 1,
  decide: 1,
  deliver: 2,
  host: 2,
  forge: 3,
  tmux: 3,
  agents: 3,
  ledger: 3,
  notify: 3,
  git: 3,
  llm: 3,
  sandbox: 3,
  observe: 4,
  claim: 5,
  capture: 5,
  collect: 5,
  jobs: 5,
  cycle: 6,
  operate: 6,
  doctor: 6,
  simulate: 7,
  sprint: 7,
  cli: 8,
}

/** Packages and Node modules, each with the only places that may import it. `node:` stands for all other Node modules. */
const importers: readonly { readonly module: RegExp; readonly only: readonly string[] }[] = [
  { module: /^node:child_process$/, only: ['src/host/exec.ts'] },
  {
    module: /^(?:node:https?|node:http2|undici)$/,
    only: ['src/forge/', 'src/llm/', 'src/host/fetch.ts', 'src/host/ssh-forward.ts', 'src/sandbox/proxy.ts'],
  },
  { module: /^nodemailer$/, only: ['src/notify/email.ts'] },
  { module: /^openai(?:\/.*)?$/, only: ['src/llm/'] },
  { module: /^(?:kysely(?:\/.*)?|node:sqlite|pg)$/, only: ['src/ledger/'] },
  { module: /^(?:zod(?:\/.*)?|jsonc-parser)$/, only: ['src/spec/'] },
  { module: /^croner$/, only: ['src/decide/scheduled-jobs.ts'] },
  { module: /^yaml$/, only: ['src/host/config-file.ts', 'src/llm/'] },
  { module: /^@pydantic\/genai-prices$/, only: ['src/llm/prices.ts'] },
  { module: /^(?:@bomb\.sh\/tab(?:\/.*)?|cli-table3)$/, only: ['src/cli/'] },
  { module: /^@clack\/prompts$/, only: ['src/cli/init-questions.ts'] },
  {
    module: /^node:/,
    only: [
      'host',
      'forge',
      'tmux',
      'agents',
      'ledger',
      'notify',
      'git',
      'llm',
      'sandbox',
      'observe',
      'deliver',
      'claim',
      'capture',
      'cycle',
      'operate',
      'doctor',
      'simulate',
      'sprint',
      'cli',
    ].map((part) => `src/${part}/`),
  },
]

/** Uses of the process, the clock and random numbers, each with the only places that may use it. */
const effects: readonly { readonly use: RegExp; readonly only: readonly string[]; readonly instead: string }[] = [
  {
    use: /^process\.(?:env|argv|exit|exitCode|cwd|chdir|stdin|stdout|stderr|on|off|once)$/,
    only: ['src/cli/main.ts', 'src/cli/io.ts', 'src/cli/terminal.ts'],
    instead: 'take it as an argument',
  },
  { use: /^(?:Date\.now|performance\.now)$/, only: ['src/cli/clock.ts', 'src/cli/io.ts'], instead: 'take the Clock port' },
  {
    use: /^(?:Math\.random|crypto\.randomUUID|crypto\.getRandomValues)$/,
    only: ['src/cli/main.ts', 'src/cli/wire.ts', 'src/cli/wire-sprints.ts'],
    instead: 'take `random` as an argument',
  },
  { use: /^console\.\w+$/, only: ['src/cli/io.ts'], instead: 'return the text to print' },
]

function within(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))
}

function partOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
}

/** Reports imports of a higher floor, or of another part on the same floor. */
export function importsGoDown(source: Source): Problem[] {
  const part = partOf(source.path)
  const floor = floors[part]
  if (floor === undefined) return [problem(source, 0, `src/${part} is on no floor: add it in test/tidy/floors.ts and ARCHITECTURE.md`)]
  return source.imports.flatMap(({ from, start }) => {
    if (!from.startsWith('.')) return []
    const target = partOf(posix.join(posix.dirname(source.path), from))
    if (target === part) return []
    if ((floors[target] ?? Infinity) < floor) return []
    return [
      problem(source, start, `${part} (floor ${floor}) imports ${target || from}: import only from lower floors, or use a port of core/`),
    ]
  })
}

/** Reports packages that are imported outside their place. */
export function packagesStayHome(source: Source): Problem[] {
  return source.imports.flatMap(({ from, start }) => {
    if (from.startsWith('.')) return []
    const home = importers.find(({ module }) => module.test(from))
    if (home !== undefined && within(source.path, home.only)) return []
    const where = home === undefined ? 'nowhere until test/tidy/floors.ts lists it' : `only in ${home.only.join(', ')}`
    return [problem(source, start, `${from} may be imported ${where}`)]
  })
}

/** Reports uses of the process, the clock and random numbers outside the wiring. Other code gets them as arguments and ports. */
export function effectsStayHome(source: Source): Problem[] {
  const found: Problem[] = []
  for (const node of nodesOf(source.body)) {
    if (node.type === 'MemberExpression') {
      const effect = effects.find(({ use }) => use.test(nameOf(node)))
      if (effect !== undefined && !within(source.path, effect.only)) {
        found.push(problem(source, node.start, `${nameOf(node)} only in ${effect.only.join(', ')}: ${effect.instead}`))
      }
    }
    const made = node.type === 'NewExpression' && nameOf(node['callee']) === 'Date' && (node['arguments'] as unknown[]).length === 0
    if (made && !within(source.path, ['src/cli/']))
      found.push(problem(source, node.start, 'new Date() reads the clock: take the Clock port'))
    const fetches = node.type === 'CallExpression' && isNode(node['callee']) && /^(?:globalThis\.)?fetch$/.test(nameOf(node['callee']))
    if (fetches && !within(source.path, ['src/forge/', 'src/llm/', 'src/host/fetch.ts', 'src/notify/']))
      found.push(problem(source, node.start, 'HTTP only in src/forge/, src/llm/, src/notify/ and src/host/fetch.ts'))
  }
  return found
}
