/** How a file is written. */
import { isNode, nameOf, nodesOf, problem, type Node, type Problem, type Source } from './sources.ts'

const fileLimit = 300
const functionLimit = 60
const parameterLimit = 4
const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

function linesIn(text: string): number {
  return text.trimEnd().split('\n').length
}

export function filesAreShort(source: Source): Problem[] {
  const lines = linesIn(source.text)
  return lines <= fileLimit ? [] : [problem(source, 0, `${lines} lines: split it by reason to change, ${fileLimit} at most`)]
}

export function functionsFitAScreen(source: Source): Problem[] {
  return nodesOf(source.body).flatMap((node) => {
    const lines = functions.has(node.type) ? linesIn(source.text.slice(node.start, node.end)) : 0
    return lines <= functionLimit
      ? []
      : [problem(source, node.start, `a function of ${lines} lines: ${functionLimit} at most, name its steps`)]
  })
}

/** From the fifth on, nobody knows which is which at a call. */
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
            `${given.length} positional parameters: ${parameterLimit} at most, put what belongs together into one object`,
          ),
        ]
  })
}

/** What a module keeps between calls is shared by everything that runs in the process. */
export function noModuleState(source: Source): Problem[] {
  return source.body.flatMap((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : statement
    if (!isNode(declared) || declared.type !== 'VariableDeclaration') return []
    if (declared['kind'] !== 'const')
      return [problem(source, statement.start, `${String(declared['kind'])} in a module: keep it in a value that is passed on`)]
    return (declared['declarations'] as Node[]).flatMap(({ init }) =>
      isNode(init) &&
      init.type === 'NewExpression' &&
      /^(?:Weak)?(?:Map|Set)$/.test(nameOf(init['callee'])) &&
      (init['arguments'] as unknown[]).length === 0
        ? [problem(source, statement.start, 'an empty collection in a module is state: keep it in a value that is passed on')]
        : [],
    )
  })
}

/** A handler that does nothing must say why that is right. */
export function nothingIsSwallowed(source: Source): Problem[] {
  const explained = (node: Node) => source.comments.some(({ start, end }) => start >= node.start && end <= node.end)
  const empty = (node: unknown) => isNode(node) && node.type === 'BlockStatement' && (node['body'] as unknown[]).length === 0
  return nodesOf(source.body).flatMap((node) => {
    const handler =
      node.type === 'CallExpression' && nameOf(property(node['callee'])) === 'catch' ? (node['arguments'] as Node[])[0] : undefined
    const hides =
      node.type === 'CatchClause' ? empty(node['body']) : handler !== undefined && isNode(handler['body']) && yieldsNothing(handler['body'])
    return hides && !explained(node)
      ? [problem(source, node.start, 'an error is swallowed: handle it, or say in a comment why it does not matter')]
      : []
  })

  function yieldsNothing(body: Node): boolean {
    return empty(body) || nameOf(body) === 'undefined'
  }
}

/** An error becomes null, '' or [] only if its code is the expected one (`ifCode` in core/errors): every other error must get through. */
export function errorsAreLookedAt(source: Source): Problem[] {
  const fix = 'any error becomes a value here: handle the expected one by its code (`ifCode`), and let the others through'
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

/** Whether a function's body, or the value of an arrow, gives a value that was there before, and does nothing else. */
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

export function typesAreHonest(source: Source): Problem[] {
  const any = nodesOf(source.body).filter(({ type }) => type === 'TSAnyKeyword')
  const silenced = source.comments.filter(({ value }) => /@ts-(?:ignore|expect-error|nocheck)\b/.test(value))
  return [
    ...any.map(({ start }) => problem(source, start, '`any` turns checking off: use `unknown` and look')),
    ...silenced.map(({ start }) => problem(source, start, 'a silenced type error: mend the type')),
  ]
}

/** A cast is a claim that nobody checks: a line comment on its line or above says why it holds. Widening needs no reason. */
export function castsHaveAReason(source: Source): Problem[] {
  const lineOf = (at: number) => source.text.slice(0, at).split('\n').length
  const reasons = new Set(source.comments.filter(({ start }) => source.text.startsWith('//', start)).map(({ end }) => lineOf(end)))
  return nodesOf(source.body).flatMap((node) => {
    if (node.type !== 'TSAsExpression' || widens(node)) return []
    const line = lineOf(node.start)
    return reasons.has(line) || reasons.has(line - 1)
      ? []
      : [problem(source, node.start, 'a cast without a reason: use a guard, or say in a line comment above why the type is right')]
  })
}

function widens({ expression, typeAnnotation: type }: Node): boolean {
  if (!isNode(expression) || !isNode(type)) return false
  const constant = type.type === 'TSTypeReference' && nameOf(type['typeName']) === 'const'
  return constant || type.type === 'TSUnknownKeyword' || expression.type === 'Literal' || expression.type === 'ArrayExpression'
}

export function nothingIsPutOff(source: Source): Problem[] {
  return source.comments
    .filter(({ value }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(value))
    .map(({ start }) => problem(source, start, 'do it now, or open an issue: a note in the code is read by nobody'))
}

export function exportsHaveNames(source: Source): Problem[] {
  return source.body
    .filter(({ type }) => type === 'ExportDefaultDeclaration')
    .map(({ start }) => problem(source, start, 'a default export has as many names as importers: export it by name'))
}

/** A test that is left out says why; one that runs alone hides all others. */
export function testsRun(source: Source): Problem[] {
  return nodesOf(source.body).flatMap((node) => {
    if (node.type === 'CallExpression' && /^(?:test|it|describe|suite)\.only$/.test(nameOf(node['callee']))) {
      return [problem(source, node.start, '`only` hides every other test: take it out')]
    }
    if (node.type === 'CallExpression' && /^(?:test|it|describe|suite)\.(?:skip|todo)$/.test(nameOf(node['callee']))) {
      return [problem(source, node.start, 'left out without a reason: use the option { skip: "the reason" }')]
    }
    if (
      node.type === 'CallExpression' &&
      /^\w+\.(?:skip|todo)$/.test(nameOf(node['callee'])) &&
      (node['arguments'] as unknown[]).length === 0
    ) {
      return [problem(source, node.start, 'left out without a reason: give the reason as its argument')]
    }
    const option = node.type === 'Property' && isNode(node['value']) && node['value']['value'] === true ? nameOf(node['key']) : ''
    return /^(?:only|skip|todo)$/.test(option) ? [problem(source, node.start, `{ ${option}: true } says no reason`)] : []
  })
}
