/** The reference of the spec's keys, from the same schema that checks it. */
import { specJsonSchema, type JsonSchema } from './schema-json.ts'

/** Markdown: a table of every key, its type, its default and its meaning. Checked in as `docs/spec-reference.md`. */
export function specReference(): string {
  const schema = specJsonSchema()
  const rows = rowsOf(schema, schema, '').map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  return [
    '# The keys of fleet-spec.json',
    '',
    'Made from the schema by `burn spec docs`. How to write a spec: [declare a fleet](declare-a-fleet.md). `<name>` is a name that you choose; `[]` is each entry of a list.',
    'A key marked * must be written. A duration is `"60s"`, `"24h"`, `"1h30m"`, `"2d"`, or a number of seconds.',
    '',
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** `agent` is explained once, where the fleet's own is. */
function rowsOf(root: JsonSchema, schema: JsonSchema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = prefix + key
    const shared = value.$ref === undefined ? undefined : root.$defs?.[value.$ref.replace('#/$defs/', '')]
    const child = { ...shared, ...value }
    const must = schema.required?.includes(key) === true ? '*' : ''
    const row = [`\`${path}\`${must}`, typeOf(child), 'default' in child ? code(child.default) : '', meaningOf(child)]
    const explained = shared !== undefined && prefix !== ''
    return [row, ...(explained ? [] : childrenOf(root, child, path))]
  })
}

function childrenOf(root: JsonSchema, schema: JsonSchema, path: string): string[][] {
  if (schema.oneOf !== undefined) return schema.oneOf.flatMap((option) => rowsOf(root, option, `${path}.`))
  if (schema.items?.properties !== undefined) return rowsOf(root, schema.items, `${path}[].`)
  if (typeof schema.additionalProperties === 'object') return rowsOf(root, schema.additionalProperties, `${path}.<name>.`)
  return rowsOf(root, schema, `${path}.`)
}

function meaningOf(schema: JsonSchema): string {
  const example = schema.properties === undefined && schema.oneOf === undefined ? schema.examples?.[0] : undefined
  const shown = example !== undefined && JSON.stringify(example) !== JSON.stringify(schema.default)
  return `${schema.description ?? ''}${shown && JSON.stringify(example).length < 60 ? ` E.g. ${code(example)}` : ''}`
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(code).join(' or ')
  const options = schema.anyOf
  if (options !== undefined) return isDuration(options) ? 'duration' : options.map(typeOf).join(' or ')
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  return { string: 'text', integer: 'whole number', object: 'object', number: 'number', null: 'null' }[schema.type ?? 'object'] ?? ''
}

/** Text or a number is only ever a duration. */
function isDuration(options: readonly JsonSchema[]): boolean {
  return options.some(({ type }) => type === 'string') && options.some(({ type }) => type === 'number')
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}
