/** What is wrong with a spec: every finding has a place, says what is wrong there, and what to write instead. */
import { BurnError } from '../core/errors.ts'

/** Where something is in the spec: keys and indices from its root, e.g. `['machines', 'mac', 'windows', 0, 'panes']`. */
export type SpecPath = readonly (string | number)[]

/** Finds the place of a value in the text that was read; the key's own place where `of` is `key`. */
export interface Positions {
  readonly file: string
  at(path: SpecPath, of?: 'key' | 'value'): { readonly line: number; readonly column: number }
}

export interface SpecFinding {
  readonly file: string
  /** From 1, as is `column`. */
  readonly line: number
  readonly column: number
  /** What is wrong, without a full stop. */
  readonly what: string
  /** What to write instead, without a full stop. */
  readonly hint: string
}

/** A finding whose place is still a path. */
export interface PathFinding {
  readonly path: SpecPath
  readonly of?: 'key' | 'value'
  readonly what: string
  readonly hint: string
}

/** A spec that can't be used. The message lists every finding, one a line. */
export class SpecError extends BurnError {
  readonly findings: readonly SpecFinding[]

  constructor(findings: readonly SpecFinding[]) {
    const lines = findings.map(({ file, line, column, what, hint }) => `${file}:${line}:${column}: ${what}. ${capital(hint)}`)
    super('spec_invalid', lines.join('\n'), 'Mend the lines above; `burn spec docs` explains every key.', { exit: 2 })
    this.name = 'SpecError'
    this.findings = findings
  }
}

/** Throws what was found, in the order of the file; does nothing where nothing was. */
export function throwFindings(complaints: readonly PathFinding[], positions: Positions): void {
  if (complaints.length === 0) return
  const findings = complaints.map(({ path, of, what, hint }) => ({ file: positions.file, ...positions.at(path, of), what, hint }))
  throw new SpecError(findings.sort((a, b) => a.line - b.line || a.column - b.column))
}

/** Where in the spec, in words: `machines.mac.windows[0].panes`. */
export function wordsOf(path: SpecPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
