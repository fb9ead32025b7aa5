/** The facts about this machine that the sandboxes of a test process share. */
import { SandboxFacts } from '../../src/sandbox/facts.ts'
import { clock } from './clock.ts'

export const sandboxFacts = new SandboxFacts(clock)
