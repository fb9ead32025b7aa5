/** The commands, in the order in which help lists them. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { answerCommand } from './answer.ts'
import { attachCommand } from './attach.ts'
import { captureCommand } from './capture.ts'
import { christenCommand } from './christen.ts'
import { classifyCommand } from './classify.ts'
import { councilCommand } from './council.ts'
import { dispatchCommand } from './dispatch.ts'
import { doctorCommand } from './doctor.ts'
import { explainCommand } from './explain.ts'
import { ledgerCommand } from './ledger.ts'
import { holdCommand, releaseCommand, requeueCommand, resumeCommand } from './mend.ts'
import { promptCommand } from './prompt.ts'
import { scheduleCommand } from './schedule.ts'
import { sendCommand } from './send.ts'
import { simulateCommand } from './simulate.ts'
import { specCommand } from './spec.ts'
import { sprintCommand } from './sprint.ts'
import { statusCommand } from './status.ts'
import { downCommand, upCommand } from './up.ts'
import { watchCommand } from './watch.ts'
import { workerCommand } from './worker.ts'

export const commands: readonly ((context: Context) => Command)[] = [
  specCommand,
  doctorCommand,
  upCommand,
  christenCommand,
  dispatchCommand,
  statusCommand,
  watchCommand,
  attachCommand,
  captureCommand,
  sendCommand,
  answerCommand,
  explainCommand,
  promptCommand,
  councilCommand,
  sprintCommand,
  workerCommand,
  scheduleCommand,
  simulateCommand,
  classifyCommand,
  ledgerCommand,
  holdCommand,
  resumeCommand,
  releaseCommand,
  requeueCommand,
  downCommand,
]
