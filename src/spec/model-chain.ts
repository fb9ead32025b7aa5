/** Reads the chain of models in a file of another program, such as `model-chain.json`. */
import type { PathFinding } from './findings.ts'
import { isFields, stringOf, type JsonObject } from '../core/json.ts'
import { throwFindings } from './findings.ts'
import { parse, placeOf, positionsIn, valueOf } from './jsonc.ts'
import { SpecError } from './findings.ts'

/** A step in the form of the spec. */
export interface ImportedStep {
  readonly model: string
  readonly role: string
  readonly url?: string
}

/** The keys under which files have the list of steps. */
const listKeys = ['chain', 'models', 'fallback_chain']
const example = '{"chain": [{"model": "qwen2.5:7b", "role": "primary"}]}'

/**
 * Returns the steps of a chain. The file has a list, or an object with a list. A step is the name of a model, or an object with `model` and
 * optionally `role` and `url`. Throws SpecError with the line and column of each error.
 */
export function importedChain(text: string, file: string): readonly ImportedStep[] {
  const { errors } = parse(text)
  const [syntax] = errors
  if (syntax !== undefined)
    throw new SpecError([{ file, ...placeOf(text, syntax.offset), what: 'this is not valid JSON', hint: `write ${example}` }])
  const value = valueOf(text)
  const key = isFields(value) ? listKeys.find((each) => Array.isArray(value[each])) : undefined
  const list = isFields(value) && key !== undefined ? value[key] : value
  const findings: PathFinding[] = []
  if (!Array.isArray(list) || list.length === 0)
    findings.push({ path: [], what: 'the file has no list of models', hint: `write ${example}` })
  const steps = (Array.isArray(list) ? list : []).flatMap((item: unknown, index): ImportedStep[] => {
    const step = stepOf(typeof item === 'string' ? { model: item } : isFields(item) ? item : {}, index)
    if (step !== null) return [step]
    findings.push({ path: [...(key === undefined ? [] : [key]), index], what: 'this step names no model', hint: 'add "model"' })
    return []
  })
  throwFindings(findings, positionsIn(text, file))
  return steps
}

function stepOf(item: JsonObject, index: number): ImportedStep | null {
  const model = stringOf(item['model']) ?? stringOf(item['name'])
  if (model === null) return null
  const url = stringOf(item['url']) ?? stringOf(item['base_url'])
  const role = stringOf(item['role']) ?? (index === 0 ? 'primary' : 'fallback')
  return { model, role, ...(url === null ? {} : { url }) }
}
