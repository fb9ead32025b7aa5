/** Reads the names in a spec without checking the spec. Completion uses it at each Tab, so it must be fast and accept a spec with errors. */
import { isFields, itemsOf, membersOf, parseJson, stringOf, type JsonObject } from '../core/json.ts'

/** The names in a spec. */
export interface WrittenNames {
  readonly machines: readonly string[]
  /** Windows, as `machine/WINDOW`. */
  readonly windows: readonly string[]
  readonly lanes: readonly string[]
  /** Workers with a name in the spec, as `machine/WINDOW/NAME`. */
  readonly workers: readonly string[]
  readonly repos: readonly string[]
  readonly accounts: readonly string[]
  readonly channels: readonly string[]
}

/** Matches strings, comments and trailing commas. In a valid text each of them begins outside of the others. */
const tokens = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*[}\]])/g

/** Parses JSON with comments, without positions: `spec/jsonc.ts` loads a large parser. Returns an empty object for any other text. */
export function looseSpec(text: string): JsonObject {
  const json = text.replace(/^\ufeff/, '').replace(tokens, (token) => (token.startsWith('"') ? token : ' '))
  return membersOf(parseJson(json)?.value)
}

/** Returns the names in a spec. It ignores every value with a wrong type. */
export function writtenNames(spec: JsonObject): WrittenNames {
  const machines = Object.entries(membersOf(spec['machines'])).map(([name, machine]) => ({ name, machine: membersOf(machine) }))
  const windows = machines.flatMap(({ name, machine }) =>
    itemsOf(machine['windows']).flatMap((window) => {
      const own = membersOf(window)
      const title = stringOf(own['name'])
      return title === null ? [] : [{ id: `${name}/${title}`, lane: stringOf(own['lane']) ?? title.toLowerCase(), own }]
    }),
  )
  const workers = windows.flatMap(({ own }) => Object.values(membersOf(own['workers'])).map(membersOf))
  const levels = [...machines.map(({ machine }) => machine), ...windows.map(({ own }) => own), ...workers, membersOf(spec['sprint'])]
  return {
    machines: machines.map(({ name }) => name),
    windows: windows.map(({ id }) => id),
    lanes: distinct(windows.map(({ lane }) => lane)),
    workers: windows.flatMap(({ id, own }) =>
      distinct([...textsOf(own['names']), ...Object.keys(membersOf(own['workers']))]).map((name) => `${id}/${name}`),
    ),
    repos: distinct([
      ...Object.keys(membersOf(spec['repos'])),
      ...levels.flatMap(({ repos, repo }) => [...textsOf(repos), ...textsOf([repo])]),
    ]),
    accounts: Object.keys(membersOf(spec['accounts'])),
    channels: Object.keys(isFields(spec['notify']) ? membersOf(spec['notify']['channels']) : {}),
  }
}

const textsOf = (value: unknown) => itemsOf(value).filter((each): each is string => typeof each === 'string')
const distinct = (all: readonly string[]) => [...new Set(all)]
