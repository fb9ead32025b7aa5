/** `burn model`: lists and checks the models of the fleet, and shows the chain of models that sprints use. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CheckedModel, FleetModel, ListedFleetModel, Loaded, ModelState } from '../../core/model.ts'
import type { Io } from '../io.ts'
import type { CommandContext } from '../command.ts'
import type { ModelPorts, ModelUse } from '../../observe/model-uses.ts'
import { BurnError, messageOf } from '../../core/errors.ts'
import { toSecond } from '../../decide/wording.ts'
import { chainText, exampleChain } from '../../core/model-settings.ts'
import { counted } from '../../core/text.ts'
import { command, done, exitFor } from '../command.ts'
import { flag, list, text } from '../args.ts'
import { unknownNameError } from '../named.ts'
import { listTable, table } from '../table.ts'

const noModels = 'burn found no models. Add "models" to the spec (burn spec docs explains it).'

/** The states of models that need nobody. */
const fine: readonly ModelState[] = ['answers', 'busy', 'loading', 'not_loaded']

const loadModules = () => Promise.all([import('../../observe/model-uses.ts'), import('../../observe/models.ts')])

async function portsOf(context: CommandContext): Promise<ModelPorts> {
  const [open, { wireModels }] = await Promise.all([context.open(), import('../wire-sprints.ts')])
  return wireModels(open, context)
}

export const modelListCommand = command({
  args: {},
  examples: ['burn model list', 'burn model list --json'],
  notes: ['burn asks the servers for their lists of models. It asks no model, so the command costs no token and loads nothing.'],
  async run(context) {
    const ports = await portsOf(context)
    const [{ configuredUses, foundModels }, { listModels }] = await loadModules()
    const uses = await configuredUses(ports)
    return done({ models: await listModels([...uses, ...(await foundModels(uses, ports))], ports) })
  },
  present({ models }: { readonly models: readonly ListedFleetModel[] }, io) {
    if (models.length === 0) return io.out(noModels)
    const rows = models.map(({ model, machine, url, server, listed, loaded, uses }) => {
      const state = server === null ? '' : listed === false ? 'missing' : loadedText(loaded)
      return [
        model,
        machine ?? 'here',
        server ?? (url === '' ? 'bad settings' : 'no answer'),
        state,
        uses.join(', '),
        URL.canParse(url) ? new URL(url).host : url,
      ]
    })
    io.out(...listTable(['MODEL', 'MACHINE', 'SERVER', 'LOADED', 'USED BY', 'HOST'], rows, io, ['HOST', 'USED BY', 'SERVER']))
  },
})

function loadedText(loaded: Loaded): string {
  return loaded === null ? 'unknown' : loaded === 'loading' ? loaded : loaded ? 'yes' : 'no'
}

export const modelCheckCommand = command({
  args: { names: list('[model...]', 'Models to check (default: all that the spec and Hermes name)') },
  examples: ['burn model check', 'burn model check qwen2.5:7b --json'],
  notes: [
    'The table shows the time to the first token (TTFT), and the speed if the server measures it. A check costs one token. It never makes a server pull, load or evict a model. burn skips models that answered real work within `models.fresh`.',
    'Exit codes: 0 each model answers, is busy or is not loaded; 1 none does; 2 usage or spec error; 3 some do not.',
  ],
  async run(context, { names }) {
    const ports = await portsOf(context)
    const [{ configuredUses, foundModels }, { checkModels }] = await loadModules()
    const configured = await configuredUses(ports)
    const others = names.every((name) => isIn(configured, name)) ? [] : await foundModels(configured, ports)
    const checked = await checkModels(named([...configured, ...others], names), ports, { load: false })
    return done({ models: checked }, exitFor(checked.filter(({ state }) => fine.includes(state)).length, checked.length))
  },
  present: ({ models }: { readonly models: readonly CheckedModel[] }, io) =>
    io.out(...checkTable(models, io, ({ machine }) => ({ MACHINE: machine ?? 'here' }))),
})

function isIn(uses: readonly ModelUse[], name: string): boolean {
  return uses.some(({ model }) => model.model === name)
}

function named(uses: readonly ModelUse[], names: readonly string[]): readonly ModelUse[] {
  const known = uses.map(({ model }) => model.model)
  for (const name of names) if (!isIn(uses, name)) throw unknownNameError('model', name, known)
  return names.length === 0 ? uses : uses.filter(({ model }) => names.includes(model.model))
}

export const modelChainCommand = command({
  args: { load: flag('--load', 'Ask every step, even if that loads its model and evicts another one') },
  examples: ['burn model chain', 'burn model chain --load --json'],
  notes: [
    `The spec has the chain in \`models.chain\`, for example: ${chainText(exampleChain)}. burn spec docs explains it.`,
    'Without --load, burn loads no model. With --load, burn asks the last step first, so that the first step stays loaded.',
    'Exit codes: 0 a step answers, 1 no step is known to answer, 2 usage or spec error.',
  ],
  async run(context, { load }) {
    const ports = await portsOf(context)
    const { chain } = ports.session.fleet.models
    if (chain.length === 0) {
      const hint = `add "models": {"chain": ${JSON.stringify(exampleChain.slice(0, 2))}} to the spec; burn spec docs explains it`
      throw new BurnError('chain_unset', 'the spec has no "models.chain"', hint, { exit: 2 })
    }
    const [{ chainUses }, { checkModels }] = await loadModules()
    const onStart = ({ model }: FleetModel) => void (load && context.person?.err(`asking ${model} …`))
    const checked = await checkModels(await chainUses(ports), ports, { load, onStart })
    const steps = chain.flatMap(({ model, url, role }, index) =>
      checked.filter((each) => each.model === model && each.url === url).map((each): ShownStep => ({ step: index + 1, role, ...each })),
    )
    const first = steps.find(({ state, paused_until }) => state === 'answers' && paused_until === null) ?? null
    return done({ chain: chainText(chain), first: first?.step ?? null, steps }, first === null ? 1 : 0)
  },
  present({ chain, first, steps }: ShownChain, io, { load }) {
    io.out(chain, '')
    io.out(...checkTable(steps, io, ({ step, role }) => ({ '#': String(step), ROLE: role })))
    const answers = steps.find(({ step }) => step === first)
    io.out('', answers === undefined ? noAnswer(steps, load) : `The first step that answers is ${answers.step}: ${answers.model}.`)
  },
})

interface ShownStep extends CheckedModel {
  readonly step: number
  readonly role: string
}

interface ShownChain {
  readonly chain: string
  /** The number of the first step that answers; null if none is known to answer. */
  readonly first: number | null
  readonly steps: readonly ShownStep[]
}

function noAnswer(steps: readonly CheckedModel[], load: boolean): string {
  const unloaded = steps.filter(({ state }) => state === 'not_loaded').length
  if (load || unloaded === 0) return 'No step answers.'
  return `No loaded step answers. ${counted(unloaded, 'step is', 'steps are')} not loaded: burn model chain --load asks each step.`
}

/** Returns the table of checked models. `more`: further columns. TTFT: the time to the first token. */
function checkTable<M extends CheckedModel>(models: readonly M[], io: Io, more: (model: M) => Readonly<Record<string, string>>) {
  const rows = models.map((model) => ({
    ...more(model),
    MODEL: model.model,
    STATE: io.paint(fine.includes(model.state) ? 'green' : model.state === 'unknown' ? 'yellow' : 'red', model.state.replaceAll('_', ' ')),
    TTFT: model.first_token_ms === null ? '' : `${(model.first_token_ms / 1000).toFixed(2)}s`,
    'TOK/S': model.tokens_per_s === null ? '' : model.tokens_per_s.toFixed(1),
    EVIDENCE: evidenceOf(model),
  }))
  if (rows.length === 0) return [noModels]
  return table(
    Object.keys(rows[0] ?? {}),
    rows.map((row) => Object.values(row)),
    io.columns,
    ['TOK/S', 'TTFT', 'EVIDENCE'],
  )
}

function evidenceOf({ evidence, url, answered_as, paused_until }: CheckedModel): string {
  return [
    ...(paused_until === null ? [] : [`sprints skip it until ${toSecond(paused_until)}`]),
    ...(answered_as === null ? [] : [`the server answered as ${answered_as}`]),
    evidence.replace(`${url}: `, ''),
  ].join('; ')
}

export const modelImportCommand = command({
  args: { file: text('<file>', 'File with a chain, such as model-chain.json') },
  examples: ['burn model import ~/.local/timmy/fleet-resources/model-chain.json'],
  notes: ['burn changes no file. Add the printed key to the spec.'],
  async run({ cwd }, { file }) {
    const path = resolve(cwd, file)
    const { importedChain } = await import('../../spec/model-chain.ts')
    return done({ models: { chain: importedChain(read(path), path) } })
  },
  present: (result, io) => io.out(...JSON.stringify(result, null, 2).split('\n')),
})

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new BurnError('chain_unreadable', `${path} can't be read: ${messageOf(thrown)}`, 'check the path', { exit: 2 })
  }
}
