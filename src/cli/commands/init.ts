/** `burn init`: writes the first spec of a fleet, from the facts on this computer and the answers of a person. */
import { hostname } from 'node:os'
import { relative, resolve } from 'node:path'
import type { InitFacts, InitPlaces } from '../../operate/init.ts'
import type { Io } from '../io.ts'
import { programNames } from '../../core/agent-kinds.ts'
import { BurnError } from '../../core/errors.ts'
import { choice, flag, list, optional, parsedArg, parsePositive, usage } from '../args.ts'
import { command, done, type CommandContext } from '../command.ts'
import { shellWord } from '../../host/quote.ts'
import { assertRoom } from '../live-screen.ts'
import { wrap } from '../wrap.ts'

interface InitReport {
  readonly dry_run: boolean
  readonly written: readonly string[]
  readonly spec: string
  readonly remarks: readonly string[]
  readonly next: readonly { readonly command: string; readonly effect: string }[]
}

export const initCommand = command({
  args: {
    dir: optional('[dir]', 'Folder of the spec; burn reads the git remotes of this folder and of the folders in it (default: .)'),
    folder: flag('--folder', 'Make a forge of files, with an example repo and an example issue'),
    url: optional('--url <address>', 'Address of the Gitea or Forgejo (default: from the git remotes)'),
    owner: optional('--owner <owner>', 'User or organisation that owns the repos (default: from the git remotes)'),
    repo: list('-r, --repo <repo...>', 'Repos whose issues the fleet gets (default: from the git remotes)'),
    agent: choice('--agent <kind>', 'Agent program in the panes (default: the first one that is installed)', programNames, undefined),
    panes: parsedArg('--panes <n>', 'Number of panes with an agent (default: 2)', parsePositive, undefined),
    name: optional('--name <fleet>', 'Name of the fleet (default: the name of the folder)'),
    yes: flag('-y, --yes', 'Ask no questions: use the options, and what burn finds'),
    dry_run: flag('-n, --dry-run', 'Print the spec and the files that would be written, and write nothing'),
  },
  examples: ['burn init', 'burn init --folder --yes', 'burn init ~/src --url https://forge.example.com --owner my-org --yes'],
  notes: [
    'On a terminal burn asks for each value that no option gives. burn never replaces a file without asking, and writes all files or none.',
    'burn looks for a token in its token file, in BURN_TOKEN, GITEA_TOKEN, FORGEJO_TOKEN and GITEA_SERVER_TOKEN, and in the logins of tea. It never prints the token.',
    'Exit codes: 0 done, 1 failed or cancelled, 2 usage error, nothing found, or a file exists.',
  ],
  async run(context, given) {
    const { env, clock, stop, io, common } = context
    const asks = !given.yes && !given.dry_run && !common.json && io.canAsk()
    if (!asks && !given.yes && !given.dry_run)
      throw usage('burn init asks questions, and there is no terminal to answer them', 'to accept what burn finds: burn init --yes')
    if (asks) assertRoom(io)
    const [{ answersFrom, findFacts, programRemarks }, { initEntries, nameFrom }, { starterFault, starterSpec }] = await Promise.all([
      import('../../operate/init.ts'),
      import('../../operate/init-write.ts'),
      import('../../spec/starter.ts'),
    ])
    for (const key of ['name', 'url', 'owner'] as const) refuse(`--${key}`, given[key] === undefined ? null : starterFault(key, given[key]))
    for (const repo of given.repo) refuse('--repo', starterFault('repo', repo))
    const git = { env, clock, login: null, signal: stop }
    const places = await placesOf(given.dir, context)
    const facts = await findFacts(places, git)
    if (facts.old !== null && !asks) throw exists(facts)
    const answers = asks
      ? await (await import('../init-questions.ts')).askAll(given, facts, { width: io.width, signal: stop })
      : await answersFrom(given, facts)
    if (answers === null || stop.aborted) {
      io.err('cancelled: burn wrote nothing')
      return 1
    }
    const [{ parseSpec }, { writeTogether }] = await Promise.all([import('../../spec/load.ts'), import('../../host/new-files.ts')])
    const spec = starterSpec({ ...answers, machine: nameFrom(hostname().split('.')[0] ?? '', 'here') })
    parseSpec(spec, places.spec_file)
    const entries = initEntries(answers, spec, places, git)
    if (!given.dry_run) await writeTogether(entries)
    const remarks = [...answers.remarks, ...programRemarks(facts.programs, answers)]
    const next = nextCommands(places.spec_file, context)
    return done<InitReport>({ dry_run: given.dry_run, written: entries.map(({ path }) => path), spec, remarks, next })
  },
  present({ dry_run, written, spec, remarks, next }: InitReport, io) {
    for (const path of written) io.out(`${dry_run ? 'would write' : 'wrote'} ${path}`)
    for (const remark of remarks) {
      const [first = '', ...rest] = wrap(`note: ${remark}`, io.width)
      io.err(first.replace('note:', io.paint('yellow', 'note:')), ...rest)
    }
    if (dry_run) return io.write(`\n${spec}`)
    io.out('', 'Next:', ...nextLines(next, io))
  },
})

/** Returns the next commands with their effects: side by side, or one below the other on a narrow terminal. */
function nextLines(next: InitReport['next'], io: Io): string[] {
  const longest = Math.max(...next.map((each) => each.command.length))
  const fits = next.every(({ effect }) => longest + effect.length + 4 <= io.width)
  return next.flatMap(({ command: run, effect }) => {
    if (fits) return [`  ${io.paint('cyan', run.padEnd(longest))}  ${effect}`]
    return [`  ${io.paint('cyan', run)}`, ...wrap(effect, io.width - 4).map((line) => `    ${line}`)]
  })
}

/** Throws BurnError `usage` (exit 2) if the value of an option has a fault. */
function refuse(option: string, fault: string | null): void {
  if (fault !== null) throw usage(`${option} ${fault}`)
}

async function placesOf(named: string | undefined, { env, home, cwd, common }: CommandContext): Promise<InitPlaces> {
  const { ownFiles } = await import('../../host/own-files.ts')
  const dir = resolve(cwd, named ?? '.')
  const file = common.spec ?? (named === undefined ? env['BURN_SPEC'] : undefined)
  const spec_file = file === undefined ? resolve(dir, 'fleet-spec.json') : resolve(cwd, file)
  return { dir, spec_file, token_file: ownFiles({ env, home })('config', 'token'), home }
}

function exists({ spec_file }: InitFacts): BurnError {
  const hint = 'edit the file, or make another fleet in another folder: burn init DIR'
  return new BurnError('init_exists', `${spec_file} exists already`, hint, { exit: 2 })
}

/** Returns the next commands for a person. They name the spec if burn would not find it by itself. */
function nextCommands(spec_file: string, { cwd, env }: CommandContext): InitReport['next'] {
  const isFound = spec_file === resolve(cwd, env['BURN_SPEC'] ?? 'fleet-spec.json')
  const option = isFound ? '' : ` --spec ${shellWord(relative(cwd, spec_file))}`
  return [
    { command: `burn doctor${option}`, effect: 'checks the forge, the token, tmux and the agents' },
    { command: `burn start --dry-run${option}`, effect: 'shows the panes and the issues, and changes nothing' },
    { command: `burn start${option}`, effect: 'starts the agents, and gives them issues until Ctrl-C' },
  ]
}
