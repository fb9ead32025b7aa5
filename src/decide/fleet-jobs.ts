/** Decides which scheduled jobs of a whole machine belong to the fleet. Pure. */
import { programNames } from '../core/agent-kinds.ts'

/** The person as whom burn works on a machine. */
export interface Person {
  /** The login; empty if unknown. */
  readonly user: string
  /** The home directory; empty if unknown. */
  readonly home: string
}

/** A job that anybody on the machine may have set up. */
export interface MachineJob {
  readonly name: string
  readonly command: string
  /** The account as which the job runs; empty if its scheduler does not tell, or if the account is root. */
  readonly user: string
}

/** Programs at the end of a path, and burn also as a folder, because Node may run it from there. */
const program = new RegExp(`(?:^|[\\s/'"=])(?:burn(?:-fleet)?(?=/|${'$'}|[\\s'";])|(?:${programNames.join('|')})(?=${'$'}|[\\s'";]))`)

/** Returns true if a job is named like those of `burn job schedule`, or if its command runs burn or an agent program. */
export function runsFleetProgram({ name, command }: Pick<MachineJob, 'name' | 'command'>): boolean {
  return name.startsWith('burn-') || program.test(command)
}

/**
 * Returns true if a job of the system belongs to the fleet: it runs as the person, uses a file in the person's home, or runs burn or an
 * agent program. Jobs of the operating system, such as its updates, do none of these.
 */
export function isFleetJob(job: MachineJob, { user, home }: Person): boolean {
  const isOwn = job.user !== '' && job.user !== 'root' && job.user === user
  const usesHome = home.length > 1 && `${job.command} `.split(home).some((rest, index) => index > 0 && /^[/\s'";]/.test(rest))
  return isOwn || usesHome || runsFleetProgram(job)
}
