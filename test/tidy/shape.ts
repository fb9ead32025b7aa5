/** Rules for single files. Each function returns the problems of a source. */
import { isNode, nameOf, nodesOf, problem, type Node, type Problem, type Source } from './sources.ts'

const fileLimit = 300
const functionLimit = 60
const parameterLimit = 4
const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

function linesIn(text: string): number {
  return text.trimEnd().split('\n').length
}

/** Reports files that are too long. */
export function filesAreShort(source: Source): Problem[] {
  const lines = linesIn(source.text)
  return lines <= fileLimit ? [] : [problem(source, 0, `${lines} lines, ${fileLimit} at most: split the file by reason to change`)]
}

/** Reports functions that are too long. */
export function functionsFitAScreen(source: Source): Problem[] {
  return nodesOf(source.body).flatMap((node) => {
    const lines = functions.has(node.type) ? linesIn(source.text.slice(node.start, node.end)) : 0
    return lines <= functionLimit
      ? []
      : [problem(source, node.start, `a function of ${lines} lines, ${functionLimit} at most: extract its steps`)]
  })
}

/** With five positional parameters, a call is hard to read. */
export function fewParameters(source: Source): Problem[] {
  const declared = /^(?:TSDeclareFunction|TSEmptyBodyFunctionExpression|TSMethodSignature|TSFunctionType)$/
  return nodesOf(source.body).flatMap((node) => {
    const given = functions.has(node.type) || declared.test(node.type) ? (node['params'] as Node[]) : []
    return given.length <= parameterLimit
      ? []
      : [
          problem(
            source,
            node.start,
            `${given.length} positional parameters, ${parameterLimit} at most: group those that belong together in an object`,
          ),
        ]
  })
}

/** Reports mutable state in modules, which all code in the process would share. */
export function noModuleState(source: Source): Problem[] {
  return source.body.flatMap((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : statement
    if (!isNode(declared) || declared.type !== 'VariableDeclaration') return []
    if (declared['kind'] !== 'const')
      return [problem(source, statement.start, `${String(declared['kind'])} in a module: keep it in a value that is passed as an argument`)]
    return (declared['declarations'] as Node[]).flatMap(({ init }) =>
      isNode(init) &&
      init.type === 'NewExpression' &&
      /^(?:Weak)?(?:Map|Set)$/.test(nameOf(init['callee'])) &&
      (init['arguments'] as unknown[]).length === 0
        ? [problem(source, statement.start, 'an empty collection in a module is state: keep it in a value that is passed as an argument')]
        : [],
    )
  })
}

/** Reports empty error handlers without a comment that gives the reason. */
export function nothingIsSwallowed(source: Source): Problem[] {
  const explained = (node: Node) => source.comments.some(({ start, end }) => start >= node.start && end <= node.end)
  const empty = (node: unknown) => isNode(node) && node.type === 'BlockStatement' && (node['body'] as unknown[]).length === 0
  return nodesOf(source.body).flatMap((node) => {
    const handler =
      node.type === 'CallExpression' && nameOf(property(node['callee'])) === 'catch' ? (node['arguments'] as Node[])[0] : undefined
    const hides =
      node.type === 'CatchClause' ? empty(node['body']) : handler !== undefined && isNode(handler['body']) && yieldsNothing(handler['body'])
    return hides && !explained(node)
      ? [problem(source, node.start, 'an error is swallowed: handle it, or give the reason in a comment')]
      : []
  })

  function yieldsNothing(body: Node): boolean {
    return empty(body) || nameOf(body) === 'undefined'
  }
}

/** Reports handlers that turn any error into a constant. Only an expected code may become a value (`ifCode` in core/errors). */
export function errorsAreLookedAt(source: Source): Problem[] {
  const fix = 'any error becomes a value here: handle the expected code (`ifCode`), and rethrow others'
  return nodesOf(source.body).flatMap((node) => {
    if (node.type === 'TryStatement') {
      const handler = node['handler']
      const awaits = nodesOf(node['block']).some(({ type }) => type === 'AwaitExpression')
      const blind = isNode(handler) && handler['param'] === null && givesConstant(handler['body'])
      return awaits && blind ? [problem(source, node.start, fix)] : []
    }
    const called = node.type === 'CallExpression' ? nameOf(property(node['callee'])) : ''
    const index = ['catch', 'then'].indexOf(called)
    const handler = index < 0 ? undefined : (node['arguments'] as Node[])[index]
    const blind = handler !== undefined && functions.has(handler.type) && (handler['params'] as unknown[]).length === 0
    return blind && givesConstant(handler['body']) ? [problem(source, handler.start, fix)] : []
  })
}

/** Whether a function's body, or the value of an arrow function, only returns a constant or existing value. */
function givesConstant(body: unknown): boolean {
  if (!isNode(body)) return false
  if (body.type === 'BlockStatement') {
    const [only, ...more] = body['body'] as Node[]
    return more.length === 0 && only?.type === 'ReturnStatement' && givesConstant(only['argument'])
  }
  if (body.type === 'TSAsExpression') return givesConstant(body['expression'])
  return /^(?:Literal|Identifier|MemberExpression|ArrayExpression|ObjectExpression|TemplateLiteral)$/.test(body.type)
}

function property(callee: unknown): unknown {
  return isNode(callee) && callee.type === 'MemberExpression' ? callee['property'] : undefined
}

/** Reports `any` and silenced type errors. */
export function typesAreHonest(source: Source): Problem[] {
  const any = nodesOf(source.body).filter(({ type }) => type === 'TSAnyKeyword')
  const silenced = source.comments.filter(({ value }) => /@ts-(?:ignore|expect-error|nocheck)\b/.test(value))
  return [
    ...any.map(({ start }) => problem(source, start, '`any` turns off type checking: use `unknown` and check it')),
    ...silenced.map(({ start }) => problem(source, start, 'a silenced type error: fix the type')),
  ]
}

/** Reports casts without a line comment that says why they are safe. A cast to a wider type needs no comment. */
export function castsHaveAReason(source: Source): Problem[] {
  const lineOf = (at: number) => source.text.slice(0, at).split('\n').length
  const reasons = new Set(source.comments.filter(({ start }) => source.text.startsWith('//', start)).map(({ end }) => lineOf(end)))
  return nodesOf(source.body).flatMap((node) => {
    if (node.type !== 'TSAsExpression' || widens(node)) return []
    const line = lineOf(node.start)
    return reasons.has(line) || reasons.has(line - 1)
      ? []
      : [problem(source, node.start, 'a cast without a reason: use a guard, or say in a line comment above why it is safe')]
  })
}

function widens({ expression, typeAnnotation: type }: Node): boolean {
  if (!isNode(expression) || !isNode(type)) return false
  const constant = type.type === 'TSTypeReference' && nameOf(type['typeName']) === 'const'
  return constant || type.type === 'TSUnknownKeyword' || expression.type === 'Literal' || expression.type === 'ArrayExpression'
}

/** Reports comments that defer work. */
export function nothingIsPutOff(source: Source): Problem[] {
  return source.comments
    .filter(({ value }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(value))
    .map(({ start }) => problem(source, start, 'do it now, or open an issue'))
}

/** Reports default exports. */
export function exportsHaveNames(source: Source): Problem[] {
  return source.body
    .filter(({ type }) => type === 'ExportDefaultDeclaration')
    .map(({ start }) => problem(source, start, 'a default export can have a different name in each importer: export it by name'))
}

/** Reports skipped tests without a reason, and `only`, which hides all other tests. */
export function testsRun(source: Source): Problem[] {
  return nodesOf(source.body).flatMap((node) => {
    if (node.type === 'CallExpression' && /^(?:test|it|describe|suite)\.only$/.test(nameOf(node['callee']))) {
      return [problem(source, node.start, '`only` hides all other tests: remove it')]
    }
    if (node.type === 'CallExpression' && /^(?:test|it|describe|suite)\.(?:skip|todo)$/.test(nameOf(node['callee']))) {
      return [problem(source, node.start, 'skipped without a reason: use the option { skip: "the reason" }')]
    }
    if (
      node.type === 'CallExpression' &&
      /^\w+\.(?:skip|todo)$/.test(nameOf(node['callee'])) &&
      (node['arguments'] as unknown[]).length === 0
    ) {
      return [problem(source, node.start, 'skipped without a reason: give the reason as its argument')]
    }
    const option = node.type === 'Property' && isNode(node['value']) && node['value']['value'] === true ? nameOf(node['key']) : ''
    return /^(?:only|skip|todo)$/.test(option) ? [problem(source, node.start, `{ ${option}: true } has no reason`)] : []
  })
}
