/** The interface to the commands that people wrote in comments. */
import type { RepoRef, Time } from '../nouns.ts'
import type { SteeringOrder, SteeringResult, UnacknowledgedSteering } from '../steering.ts'

/** The operations on commands in comments. */
export interface SteeringLedger {
  /** Returns those of these comments that the ledger has not handled. */
  unhandledComments<C extends Pick<SteeringOrder, 'ref' | 'comment'>>(comments: readonly C[]): Promise<readonly C[]>
  /**
   * Carries out or refuses commands. Saves in the same transaction the time before which burn has read all comments of each repo. Skips
   * comments that were handled before. `newId`: makes the ids of texts for agents. Returns the handled commands.
   */
  steer(
    orders: readonly SteeringOrder[],
    read: ReadonlyMap<RepoRef, Time>,
    newId: () => string,
    at: Time,
  ): Promise<readonly SteeringResult[]>
  /** Returns the handled commands whose comment has no reaction yet, oldest first, at most 50. */
  unacknowledgedSteering(): Promise<readonly UnacknowledgedSteering[]>
  /** Saves that the comment of a command has a reaction, or can get none. */
  acknowledgeSteering(order: Pick<SteeringOrder, 'ref' | 'comment'>, at: Time): Promise<void>
}
