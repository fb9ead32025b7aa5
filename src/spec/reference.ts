/** Generates the reference of all spec keys from the schema, so that the two cannot differ. */
import type { JsonSchema } from './schema-json.ts'
import { specJsonSchema } from './schema-json.ts'

/** Returns the reference of all spec keys as Markdown: the content of `docs/reference/spec-reference.md`. */
export function specReference(): string {
  const schema = specJsonSchema()
  const rows = rowsOf('', schema, schema.$defs ?? {})
  const head =
    '# `fleet-spec.json`, key by key\n\n`burn spec docs` generates this page from the schema. `*` stands for a name, and `[]` for each item of a list. A key in **bold** is required.\n'
  return `${head}\n| key | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

type Definitions = Readonly<Record<string, JsonSchema>>

function rowsOf(path: string, schema: JsonSchema, definitions: Definitions): string[] {
  const own = resolve(schema, definitions)
  const variants = own.oneOf ?? own.anyOf ?? []
  const required = new Set(own.required ?? [])
  const properties = Object.entries(own.properties ?? {}).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`
    return [row(at, value, required.has(key), definitions), ...rowsOf(at, value, definitions)]
  })
  const named = typeof own.additionalProperties === 'object' ? rowsOf(`${path}.*`, own.additionalProperties, definitions) : []
  const listed = own.items === undefined ? [] : rowsOf(`${path}[]`, own.items, definitions)
  return [...new Set([...properties, ...named, ...listed, ...variants.flatMap((variant) => rowsOf(path, variant, definitions))])]
}

function resolve(schema: JsonSchema, definitions: Definitions): JsonSchema {
  const target = schema.$ref === undefined ? undefined : definitions[schema.$ref.replace('#/$defs/', '')]
  return target === undefined ? schema : { ...target, ...schema }
}

function row(path: string, schema: JsonSchema, required: boolean, definitions: Definitions): string {
  const own = resolve(schema, definitions)
  const key = required ? `**\`${path}\`**` : `\`${path}\``
  const fallback = own.default === undefined ? '' : `\`${JSON.stringify(own.default)}\``
  return `| ${key} | ${typeOf(own, definitions)} | ${fallback} | ${(own.description ?? '').replaceAll('|', '\\|')} |`
}

function typeOf(schema: JsonSchema, definitions: Definitions): string {
  const own = resolve(schema, definitions)
  if (own.enum !== undefined) return own.enum.map((value) => `\`${String(value)}\``).join(' or ')
  if (own.const !== undefined) return `\`${String(own.const)}\``
  const variants = own.oneOf ?? own.anyOf
  if (variants !== undefined) return [...new Set(variants.map((variant) => typeOf(variant, definitions)))].join(' or ')
  if (own.type === 'array') return own.items === undefined ? 'list' : `list of ${typeOf(own.items, definitions)}`
  if (own.type === 'object') return 'object'
  return own.type ?? 'any'
}
