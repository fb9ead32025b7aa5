/** A protection that the sandbox lacks on this machine. */
export interface Gap {
  /** A clause for people that says what the sandbox does not do. */
  readonly what: string
  readonly remedy: string
}
