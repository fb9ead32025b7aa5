/** The types of the models of workers: the model that an agent should use, and the model that it used last. */
import type { Incarnation, Time, WorkerId } from './nouns.ts'

/** The last request of a worker's agent to its model, as the records of the agent show it. A text is empty if it is unknown. */
export interface LastUse {
  readonly worker: WorkerId
  readonly at: Time
  readonly provider: string
  readonly model_asked: string
  /** The model that answered; empty if the agent does not record it. Then a server may have answered with another model. */
  readonly model_answered: string
  /** The path of the file or database with the record. */
  readonly record: string
  readonly incarnation: Incarnation
}

/** A model of a provider. The provider is null if it is not known. */
export interface NamedModel {
  readonly model: string
  readonly provider: string | null
}

/** The model that a worker's agent should use. A null means that nothing sets the value. */
export interface ExpectedModel {
  readonly model: string | null
  readonly provider: string | null
  /** The profile of the agent program; empty for its default profile. */
  readonly profile: string | null
  /** The setting that names the model: `spec`, or the path of a file of the agent. */
  readonly source: string
  /** The models that the agent may use instead if the first one fails. */
  readonly fallbacks: readonly NamedModel[]
  /** Further names of models, such as aliases in the configuration of the agent, each with the model that it names. */
  readonly aliases: Readonly<Record<string, string>>
}
