/** Collects the readings and facts of `npm run test:models`, and prints them. */
import type { ModelReading, ModelState } from '../../src/core/model.ts'
import { table } from '../../src/cli/table.ts'

/** Collects results. */
export class Report {
  readonly #rows: string[][] = []
  readonly #lines: string[] = []
  readonly #server: string
  readonly seen = new Set<ModelState>()
  wrong = 0

  constructor(server: string) {
    this.#server = server
  }

  /** Adds a reading, which must have the expected state. */
  state(situation: string, reading: ModelReading, expected: ModelState): void {
    const { state, first_token_ms, tokens_per_s, evidence } = reading
    const isRight = state === expected
    if (isRight) this.seen.add(state)
    else this.wrong++
    this.#rows.push([
      situation,
      isRight ? state : `${state}, NOT ${expected}`,
      first_token_ms === null ? '' : (first_token_ms / 1000).toFixed(2),
      tokens_per_s === null ? '' : tokens_per_s.toFixed(1),
      evidence,
    ])
  }

  fact(what: string, holds: boolean): void {
    if (!holds) this.wrong++
    this.line(`${holds ? 'true: ' : 'FALSE: '}${what}`)
  }

  line(text: string): void {
    this.#lines.push(text)
  }

  skip(why: string): void {
    this.line(`SKIPPED ${why}`)
  }

  print(): void {
    console.log(`\n${this.#server}`)
    if (this.#rows.length > 0)
      for (const line of table(['SITUATION', 'STATE', 'FIRST TOKEN (S)', 'TOKENS/S', 'EVIDENCE'], this.#rows, 180)) console.log(line)
    for (const line of this.#lines) console.log(line)
  }
}
