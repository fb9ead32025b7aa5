/** The declaration of an agent program that burn does not support by itself. */

/** A key that submits the composer. */
export type SubmitKey = 'Enter' | 'M-Enter' | 'C-j' | 'C-d' | 'C-s'

/**
 * The declaration of an agent program that burn does not support by itself. The patterns are regular expressions for single rows of the
 * program's screen.
 */
export interface CustomAgent {
  /** Matches a row that the screen shows once the agent is ready; null if the spec gives no such pattern. */
  readonly ready: string | null
  /**
   * Matches the first row of the composer (input field). If several rows match, burn uses the lowest one. The one group of the pattern
   * matches the draft.
   */
  readonly composer: string
  /** Matches the first row below the composer; null if the composer extends to the end of the screen. */
  readonly below: string | null
  /** Matches the text that an empty composer shows; null if it shows none. */
  readonly placeholder: string | null
  readonly working: readonly string[]
  readonly waiting: readonly string[]
  readonly error: readonly string[]
  /**
   * The number of rows above the composer in which burn looks for the patterns of a state. burn always looks in the rows below the
   * composer.
   */
  readonly rows: number
  readonly submit: SubmitKey
  /** The minimum time (ms) between typing a line and pressing the submit key. */
  readonly submit_delay: number
}
