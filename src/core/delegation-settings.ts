/** The settings of delegation: the agents that the spec declares. Durations are in milliseconds. */

/** Weights of words, labels or globs, by their text. */
export type Weights = ReadonlyMap<string, number>

/** An agent behind a login on the forge: the spec's `delegation.agents.NAME` with every default filled in. */
export interface DelegationAgent {
  readonly name: string
  /** The login that burn assigns issues to. */
  readonly login: string
  /** Words and phrases. burn compares the stems of the words, without regard to case. */
  readonly keywords: Weights
  readonly labels: Weights
  /** Globs of the paths that an issue mentions. */
  readonly paths: Weights
  /** The repos whose issues the agent gets. */
  readonly repos: readonly string[]
  /** The maximum number of open issues that are assigned to the login at once; 0: burn assigns none. */
  readonly capacity: number
  /** The lane whose workers get the issues that are assigned to the login; null if the agent is no part of the fleet. */
  readonly lane: string | null
}

/** The spec's `delegation` with every default filled in. */
export interface DelegationPolicy {
  /** The smallest score for which burn assigns an issue to an agent. */
  readonly threshold: number
  /** The time (ms) after which burn removes an assignment if nobody started the work. */
  readonly deadline: number
  readonly agents: readonly DelegationAgent[]
}

/** A place of an issue where a text of the spec occurs. */
export type MatchPlace = 'title' | 'label' | 'path' | 'text'

/** One match: a keyword, a label or a glob of the spec, the place where the issue has it, and its points. */
export interface Match {
  readonly what: string
  readonly place: MatchPlace
  readonly points: number
}

/** The number of issues that an agent finished, and of all issues that it finished or did not finish. */
export interface TrackRecord {
  readonly done: number
  readonly ended: number
}
