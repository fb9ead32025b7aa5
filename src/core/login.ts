/**
 * The types of logins: which account an agent program is logged in to on a machine, and until when. burn never has a token: a machine
 * removes the tokens from a login file before it sends the rest.
 */
import type { JsonObject } from './json.ts'
import type { Time, WorkerId } from './nouns.ts'
import type { AgentHome } from './agent-home.ts'

/** A file with logins on a machine, without its tokens. */
export interface LoginFile {
  readonly path: string
  /** The path without symbolic links. Two paths of one file have the same real path. */
  readonly real: string
  /**
   * The JSON of the file. A token is replaced by `{exp, email}`, or by `true` if it has no claims. Any other value that burn does not need
   * is replaced by null. The whole content is null if burn could not read the file: see `why`.
   */
  readonly content: JsonObject | null
  /** The reason why burn has no content; empty if it has the content. */
  readonly why: string
}

/** The login files of a machine. Files that do not exist are left out. */
export interface LoginListing {
  /** The time of the listing, by the machine's own clock. Agents compare the end of a token with this clock. */
  readonly clock: Time
  /** The absolute path of the user's home directory. */
  readonly person: string
  /** The name of the operating system, as `uname -s` prints it. */
  readonly os: string
  /** A name of the file system that processes on this machine see. Two machines of the spec may be one computer. Empty if unknown. */
  readonly host: string
  readonly files: readonly LoginFile[]
}

/** A command that renews a login. It runs in the user's login shell. A leading `~/` in a variable stands for the home directory. */
export interface LoginRenewal {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * How a renewal ended. `ended`: the program ended, which tells nothing about its success. `running`: it still runs after the time limit.
 * `not_found`: the machine does not have the program. `no_answer`: the machine did not answer.
 */
export type RenewalEnd = 'ended' | 'running' | 'not_found' | 'no_answer'

/** Reads and renews the logins on one machine. */
export interface LoginAccess {
  /** Reads files. `~/` stands for the home directory, and `*` for any name of a folder. Null: the machine did not answer. */
  read(paths: readonly string[]): Promise<LoginListing | null>
  /** Runs a command that renews a login. burn never ends the command, because the command may have spent the old token already. */
  renew(renewal: LoginRenewal): Promise<RenewalEnd>
}

/** A login in a file, as the reader of an agent kind finds it. */
export interface FoundLogin {
  /** The name that the agent program has for the provider. */
  readonly provider: string
  /** The account at the provider, such as an e-mail address; null if the file does not show it. */
  readonly account: string | null
  /** `oauth`: tokens with an end. `key`: an API key, whose end no file shows. */
  readonly kind: 'oauth' | 'key'
  /** The end of the access token; null if the file does not show it. */
  readonly ends_at: Time | null
  /** True if the file has a token with which the agent can renew the login. */
  readonly renewable: boolean
  /** The end of that token; null if the file does not show it. */
  readonly renewable_until: Time | null
  /** True if the file shows that only a person can log in again: the agent deleted its tokens after the provider refused them. */
  readonly refused: boolean
  /** A value that changes at each renewal. Two files with the same stamp have copies of one login. Null if the file has none. */
  readonly stamp: string | null
  /** The folder whose files may have the same login without a risk, because the program keeps them equal. Absent: only the file itself. */
  readonly store?: string
}

/** Where an agent kind keeps its logins, and how to read and renew them. */
export interface AgentLogins {
  /** Returns the files in which an agent looks for a login. For each provider, the first file with a login counts. */
  places(home: AgentHome): readonly string[]
  /** Returns further files that `read` needs, or that have logins of the same program. */
  others?(home: AgentHome): readonly string[]
  /** Returns the logins in a file; an empty list if the file only completes others. `files`: all files of the machine, by path. */
  read(file: LoginFile, files: ReadonlyMap<string, LoginFile>): readonly FoundLogin[]
  /** Returns the reason why a missing file proves nothing on this operating system; null if it proves that there is no login. */
  hidden?(os: string): string | null
  /** The providers whose logins the program renews on request. Absent if the program has no command for it. */
  readonly renews?: {
    readonly providers: readonly string[]
    /** The program renews a login only if at most this time (ms) is left. */
    readonly margin: number
    /** Returns the command for the login in a file. `program`: the agent program. */
    command(program: string, file: string): LoginRenewal
  }
  /** The remedy for a person who must log in. */
  readonly log_in: string
  /** The risk if several agents on one machine use one file; null if burn knows none. */
  readonly shared_risk: string | null
  /** The risk if copies of one login exist; null if burn knows none. */
  readonly copied_risk: string | null
}

/**
 * The state of a login. `due`: the access token ends soon. `expired`: it has ended. `ended`: it has ended, and nothing renews it.
 * `refused`: the provider refused to renew it. `key`: an API key without a known end. `none`: the files have no login. `unknown`: burn
 * could not read the file, or the file does not show the end.
 */
export type LoginState = 'valid' | 'due' | 'expired' | 'ended' | 'refused' | 'key' | 'none' | 'unknown'

/** A login of an agent program on a machine. */
export interface Login extends Omit<FoundLogin, 'refused' | 'kind' | 'store'> {
  /** The name of the login in events: the machine, the file and the provider. */
  readonly id: string
  readonly machine: string
  /** The agent kind. */
  readonly agent: string
  /** The path of the file, with `~` for the home directory. */
  readonly file: string
  readonly state: LoginState
  /** `burn`: burn renews the login with the agent's command. `agent`: the agent does, at its next request. Null: nobody does. */
  readonly renewed_by: 'burn' | 'agent' | null
  /** The reason for the state `unknown` or `none`; otherwise empty. */
  readonly why: string
  /** The computer, with the folder or file whose users keep one login without a risk. */
  readonly store: string
  /** The workers whose agents use this login. */
  readonly workers: readonly WorkerId[]
}

/** Several workers or files with one login, and the risk of that. */
export interface SharedLogin {
  /** The ids of the logins: one if the workers use one file, several if the files have copies of one login. */
  readonly logins: readonly string[]
  readonly workers: readonly WorkerId[]
  /** Null if burn knows no risk. */
  readonly risk: string | null
}
