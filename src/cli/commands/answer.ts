/** `burn answer`: the open question of a worker, and a person's answer. */
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { withCommon, withSession, workerNamed } from '../context.ts'

export function answerCommand(context: Context): Command {
  return withCommon(new Command('answer'))
    .description('show what a waiting worker asks; with a choice, answer it')
    .argument('<worker>', 'who asks')
    .option('--if <mark>', 'only if it still asks this: the mark that is shown with its question')
    .argument('[choice]', 'the number or the beginning of what it offers; its own text where it takes one; cancel')
    .addHelpText('after', '\nExamples:\n  burn answer AZOTH\n  burn answer AZOTH 2\n  burn answer AZOTH "allow once"')
    .action((name: string, choice: string | undefined, options: CommonOptions & { if?: string }) =>
      withSession(context, options, async (session) => {
        const { answer, askedBy, markOf } = await import('../../operate/answer.ts')
        const { io } = context
        const worker = workerNamed(session.fleet, name)
        if (choice === undefined) {
          const asked = await askedBy(worker, session)
          const mark = markOf(asked.question)
          if (options.json) io.out(JSON.stringify({ ...asked, mark }))
          else {
            io.out(`${io.paint('yellow', `${asked.worker} waits: ${asked.detail ?? 'a question'}`)}\n${asked.question}`)
            io.out(io.paint('gray', `burn answer ${name} <choice> --if ${mark}`))
          }
          return 0
        }
        const answered = await answer(worker, choice, session, options.if ?? null)
        if (options.json) io.out(JSON.stringify(answered))
        else
          io.out(
            answered.outcome === 'taken'
              ? `${answered.worker} took it and is ${answered.state}`
              : `${answered.worker} still asks: look at its pane (burn attach ${answered.worker})`,
          )
        return answered.outcome === 'taken' ? 0 : 1
      }),
    )
}
