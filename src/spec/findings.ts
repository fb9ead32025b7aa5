/** Findings about a spec. Each finding names a line and column, the error there, and a hint: what to write instead. */
import { BurnError } from '../core/errors.ts'

/** A path in the spec: the keys and indices from its root, e.g. `['machines', 'mac', 'windows', 0, 'panes']`. */
export type SpecPath = readonly (string | number)[]

/** Finds the line and column of a path in the spec's text. If `of` is `key`, `at` returns the position of the key, not of its value. */
export interface Positions {
  readonly file: string
  at(path: SpecPath, of?: 'key' | 'value'): { readonly line: number; readonly column: number }
}

/** A finding with its file, line and column. */
export interface SpecFinding {
  readonly file: string
  /** `line` and `column` start at 1. */
  readonly line: number
  readonly column: number
  /** The error in the spec, without a full stop. */
  readonly what: string
  /** What to write instead, without a full stop. */
  readonly hint: string
}

/** A finding that names a path in the spec in place of a line and column. */
export interface PathFinding {
  readonly path: SpecPath
  readonly of?: 'key' | 'value'
  readonly what: string
  readonly hint: string
}

/** The error for an invalid spec. The message has one line for each finding. */
export class SpecError extends BurnError {
  readonly findings: readonly SpecFinding[]

  constructor(findings: readonly SpecFinding[]) {
    const lines = findings.map(({ file, line, column, what, hint }) => `${file}:${line}:${column}: ${what}. ${capital(hint)}`)
    super('spec_invalid', lines.join('\n'), 'Correct the lines above; `burn spec docs` explains every key.', { exit: 2 })
    this.name = 'SpecError'
    this.findings = findings
  }
}

/** Throws a SpecError with the findings, sorted by line and column. Does nothing if there are no findings. */
export function throwFindings(found: readonly PathFinding[], positions: Positions): void {
  if (found.length === 0) return
  const findings = found.map(({ path, of, what, hint }) => ({ file: positions.file, ...positions.at(path, of), what, hint }))
  throw new SpecError(findings.sort((a, b) => a.line - b.line || a.column - b.column))
}

/** Returns the path as text: `machines.mac.windows[0].panes`. */
export function pathText(path: SpecPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
