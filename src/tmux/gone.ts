/** What tmux says where it finds no server or no session. Neither says that an agent has ended. */

/** No server answers at the socket. `Permission denied` and all other errors say nothing about a server. */
const noServer = /(?:no server running on (.+)|error connecting to (.+) \((?:No such file or directory|Connection refused)\))/
const noSession = /no sessions|can't find session|server exited|lost server/

export interface Absence {
  /** The socket at which no server answers; null where a server answered without the session, or just ended. */
  readonly socket: string | null
}

/** Null where tmux said something else. */
export function absence(said: string): Absence | null {
  const [, running, connecting] = noServer.exec(said) ?? []
  const socket = running ?? connecting
  if (socket !== undefined) return { socket }
  return noSession.test(said) ? { socket: null } : null
}
