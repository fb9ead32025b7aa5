/** The limits for commands of sprints, as the spec sets them. */

/** The limits for the commands that a model runs in a sprint. */
export interface SandboxPolicy {
  /** `require`: every command runs in bubblewrap. `off`: commands run unconfined. */
  readonly use: 'require' | 'off'
  /** True if the model's commands and the check may use the network. */
  readonly network: boolean
  /** The hosts that the setup command may reach, each a name, an address or `*.DOMAIN`, with or without a port; null: all hosts. */
  readonly setup_hosts: readonly string[] | null
  /** The timeout of a command, in milliseconds. */
  readonly timeout: number
  /** The maximum size of the output of a command that burn keeps, in bytes. */
  readonly output: number
  /** The maximum memory of all processes of a command together, in bytes. */
  readonly memory: number
  readonly processes: number
  /** The maximum number of bytes that the commands of a sprint may add to the workspace, HOME and /tmp together. */
  readonly disk: number
  /** The maximum number of files and folders that the commands of a sprint may add to the workspace, HOME and /tmp together. */
  readonly files: number
}
