/** Words a question of an agent and the outcome of an answer, for `burn answer` and `burn watch`. */
import type { Answered, OpenQuestion } from '../operate/answer.ts'
import type { Io } from './io.ts'

/** Returns the lines of a question. */
export function questionLines({ worker, detail, question }: OpenQuestion, io: Pick<Io, 'paint'>): string[] {
  return [io.paint('yellow', `${worker} is waiting: ${detail ?? 'question'}`), ...question.split('\n')]
}

/** Returns the sentence about an answer. */
export function answeredText({ worker, outcome, state }: Pick<Answered, 'worker' | 'outcome' | 'state'>): string {
  if (outcome === 'taken') return `${worker} accepted the answer and is ${state}`
  return `${worker} still asks the question: its agent did not accept the answer. Look at the pane: burn attach ${worker}`
}
