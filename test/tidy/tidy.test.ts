/** The rules of the project, as tests. `rules.test.ts` shows that each rule can fail. */
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
const unwired = existsSync(resolve(root, entry)) ? false : `${entry} does not exist yet`

function holds(problems: readonly Problem[]): void {
  const lines = problems.map(({ where, fix }) => `${where}  ${fix}`)
  if (lines.length > 0) assert.fail(lines.join('\n'))
}

function rule(name: string, sources: readonly Source[], check: Rule): void {
  test(name, () => holds(sources.flatMap(check)))
}

rule('floors: imports go down only', product, importsGoDown)
rule('floors: packages are imported only in their place', product, packagesStayHome)
rule('floors: process, clock and random numbers stay in the wiring', product, effectsStayHome)
rule('shape: files are short', all, shape.filesAreShort)
rule('shape: functions fit a screen', [...product, ...tools], shape.functionsFitAScreen)
rule('shape: functions have few positional parameters', product, shape.fewParameters)
rule('shape: modules have no state', product, shape.noModuleState)
rule('shape: no error is swallowed', all, shape.nothingIsSwallowed)
rule('shape: an error becomes a value only by its code', product, shape.errorsAreLookedAt)
rule('shape: no any, no silenced type errors', all, shape.typesAreHonest)
rule('shape: casts have a reason', product, shape.castsHaveAReason)
rule('shape: no TODO comments', all, shape.nothingIsPutOff)
rule('shape: exports have names', all, shape.exportsHaveNames)
rule('shape: skipped tests have a reason', tests, shape.testsRun)

// A fleet has a sprint policy, and a sprint policy has repos. These are type imports only.
const knownCircles = ['src/core/nouns.ts src/core/sprint.ts']
test('imports: have no cycle', () => holds(circles(product, knownCircles)))
test('files: each is used', { skip: unwired }, () => holds(deadFiles(product, entry)))
test('exports: each name is unique', () => holds(namesAreUnique(product)))
test('documents: links work', () => holds(documents.flatMap(linksResolve)))
test('llms.txt: lists every document, and its links work', () => {
  const decision = /^docs\/decisions\/\d/
  const paths = filesIn(['README.md', 'ARCHITECTURE.md', 'docs/**/*.md']).map(({ path }) => path)
  const [pages, decisions] = [paths.filter((path) => !decision.test(path)), paths.filter((path) => decision.test(path))]
  const [machines, people] = [filesIn(['llms.txt']), filesIn(['docs/decisions/README.md'])]
  holds(machines.flatMap((index) => [...indexIsWhole(index, pages), ...linksResolve(index)]))
  holds(people.flatMap((index) => indexIsWhole(index, decisions)))
})
test('documents: named files exist', () => holds(documents.flatMap(pathsExist)))
test('documents: named commands exist', { skip: unwired }, () => {
  const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const commands = entries.map(({ name }) => name)
  holds(documents.flatMap((document) => commandsExist(document, commands, new Set(Object.keys(manifest.scripts)))))
})
test('files: have no paths of one machine', () => {
  const texts = filesIn([
    '*.md',
    '*.json',
    '.ci/*',
    'bin/*',
    ...['src', 'test', 'scripts', 'bench', 'demo', 'docs', 'examples'].map((folder) => `${folder}/**/*.{ts,md,json,sh,mjs,svg}`),
  ])
  holds(texts.filter(({ path }) => !path.startsWith('test/tidy/')).flatMap(noMachinePaths))
})
test('architecture: fits its page, and its files exist', () =>
  holds(filesIn(['ARCHITECTURE.md']).flatMap((document) => [...fitsIn(140, document), ...sourcePathsExist(document)])))
