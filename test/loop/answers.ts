/** The answers of stand-in agents and of the stand-in model to a follow-up. CI and reviewers look for them in the files of the head. */

/** Returns a line for each failed check and for each request that a follow-up names. */
export function answersTo(text: string): string {
  const checks = [...text.matchAll(/^check: .*\/ (\w+) \(/gm)].map(([, name]) => `fixed ${name}`)
  const requests = [...text.matchAll(/request (\d+)/g)].map(([, number]) => `answered request ${number}`)
  return [...new Set([...checks, ...requests])].map((line) => `${line}\n`).join('')
}
