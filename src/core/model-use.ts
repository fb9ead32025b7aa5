/** The types of the models of workers: the model that an agent should use, and the model that it used last. */
import type { Incarnation, Time, WorkerId } from './nouns.ts'

/**
 * The last request to a model in one conversation, as the records of the agent program show it. A text is empty if it is unknown. Besides the
 * worker's agent, other sessions of the program may work in the worker's folder.
 */
export interface LastUse {
  readonly worker: WorkerId
  /** The conversation; empty if it is unknown, or if the use counts for every conversation of the worker. */
  readonly session: string
  readonly at: Time
  readonly provider: string
  readonly model_asked: string
  /** The model that answered; empty if the agent does not record it. Then a server may have answered with another model. */
  readonly model_answered: string
  /** The path of the file or database with the record. */
  readonly record: string
  readonly incarnation: Incarnation
  /** True if no sample shows that the worker's agent worked then. Without other evidence, the request may be of another session. */
  readonly idle: boolean
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
