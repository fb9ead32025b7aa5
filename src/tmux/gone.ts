/** What tmux says where there is no server or session (any more); one that is just ending says that it exited. */
export function isGone(said: string): boolean {
  return /no server running|no sessions|can't find session|error connecting to \S+ \(|server exited|lost server/.test(said)
}
