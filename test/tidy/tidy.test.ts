/** The project's style, as tests. Each rule is a small function; `rules.test.ts` shows that each one can fail. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { entries } from '../../src/cli/catalog.ts'
import { effectsStayHome, importsGoDown, packagesStayHome } from './floors.ts'
import {
  circles,
  commandsExist,
  deadFiles,
  fitsIn,
  indexIsWhole,
  linksResolve,
  namesAreUnique,
  noMachinePaths,
  pathsExist,
  sourcePathsExist,
} from './project.ts'
import * as shape from './shape.ts'
import { filesIn, root, sourcesIn, type Problem, type Rule, type Source } from './sources.ts'

const product = sourcesIn('src')
const tests = sourcesIn('test')
const tools = sourcesIn('scripts', 'bench', 'demo')
const all = [...product, ...tests, ...tools]
const documents = filesIn(['*.md', 'docs/**/*.md', 'examples/**/*.md'])
const entry = 'src/cli/main.ts'
const unwired = existsSync(resolve(root, entry)) ? false : `${entry} is not there yet`

function holds(problems: readonly Problem[]): void {
  const lines = problems.map(({ where, fix }) => `${where}  ${fix}`)
  if (lines.length > 0) assert.fail(lines.join('\n'))
}

function rule(name: string, sources: readonly Source[], check: Rule): void {
  test(name, () => holds(sources.flatMap(check)))
}

rule('imports go down only', product, importsGoDown)
rule('each package has one home', product, packagesStayHome)
rule('the process, the clock and chance are touched only at start-up', product, effectsStayHome)
rule('files are short', all, shape.filesAreShort)
rule('functions fit a screen', [...product, ...tools], shape.functionsFitAScreen)
rule('functions have few positional parameters', product, shape.fewParameters)
rule('modules keep no state', product, shape.noModuleState)
rule('no error is swallowed', all, shape.nothingIsSwallowed)
rule('an error becomes a value only by its code', product, shape.errorsAreLookedAt)
rule('types are honest', all, shape.typesAreHonest)
rule('casts have a reason', product, shape.castsHaveAReason)
rule('nothing is put off', all, shape.nothingIsPutOff)
rule('exports have names', all, shape.exportsHaveNames)
rule('tests that are left out say why', tests, shape.testsRun)

// A fleet has a sprint policy, and that names repos: types alone.
const knownCircles = ['src/core/nouns.ts src/core/sprint.ts']
test('imports make no circle', () => holds(circles(product, knownCircles)))
test('every file is in use', { skip: unwired }, () => holds(deadFiles(product, entry)))
test('no name is exported twice', () => holds(namesAreUnique(product)))
test('links lead somewhere', () => holds(documents.flatMap(linksResolve)))
test('llms.txt: lists every document, and its links work', () => {
  const decision = /^docs\/decisions\/\d/
  const paths = filesIn(['README.md', 'ARCHITECTURE.md', 'docs/**/*.md']).map(({ path }) => path)
  const [pages, decisions] = [paths.filter((path) => !decision.test(path)), paths.filter((path) => decision.test(path))]
  const [machines, people] = [filesIn(['llms.txt']), filesIn(['docs/decisions/README.md'])]
  holds(machines.flatMap((index) => [...indexIsWhole(index, pages), ...linksResolve(index)]))
  holds(people.flatMap((index) => indexIsWhole(index, decisions)))
})
test('documents: files that they name exist', () => holds(documents.flatMap(pathsExist)))
test('documents name commands that exist', { skip: unwired }, () => {
  const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const commands = entries.map(({ name }) => name)
  holds(documents.flatMap((document) => commandsExist(document, commands, new Set(Object.keys(manifest.scripts)))))
})
test('no file speaks of one machine', () => {
  const texts = filesIn([
    '*.md',
    '*.json',
    '.ci/*',
    'bin/*',
    ...['src', 'test', 'scripts', 'bench', 'demo', 'docs', 'examples'].map((folder) => `${folder}/**/*.{ts,md,json,sh,mjs,svg}`),
  ])
  holds(texts.filter(({ path }) => !path.startsWith('test/tidy/')).flatMap(noMachinePaths))
})
test('the architecture fits in its page, and its files exist', () =>
  holds(filesIn(['ARCHITECTURE.md']).flatMap((document) => [...fitsIn(140, document), ...sourcePathsExist(document)])))
