/** The table of the kinds of notices: events that a running command prints. */
import type { NoticeKind } from '../core/events.ts'
import { also, because, backoffDoc, endText, failed, reason, why, type Meaning } from './event-meaning.ts'
import { counted } from '../core/text.ts'
import { sentence, toSecond } from './wording.ts'

const login = {
  ends_at: 'the end (ISO 8601), or null',
  workers: 'the number of workers',
  remedy: 'the remedy for a person',
}
const ofWorkers = (count: number) => `the login of ${counted(count, 'worker')}`

/** The kinds of notices, in this order: ledger, spec, forge, issues, sprints, machines, cycles and jobs. */
export const noticeKinds: { readonly [K in NoticeKind]: Meaning<K> } = {
  'ledger.unrenewed': {
    meaning: 'burn could not renew the leases of this process.',
    payload: { why },
    text: ({ why }) => `burn could not renew its leases: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unnoted': {
    meaning: 'burn could not store an event that it printed.',
    payload: { why },
    text: ({ why }) => `burn could not store an event that it printed: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unsaved': {
    meaning: 'burn could not store the states of the workers.',
    payload: { why },
    text: ({ why }) => `burn could not store the states of the workers: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.shared': {
    meaning: 'Another ledger of this fleet has live claims.',
    payload: { what: 'the claims that burn found', mend: 'the remedy' },
    text: ({ what, mend }) => `${what} (${mend})`,
    level: 'warn',
    fleeting: true,
  },
  'spec.deprecated': {
    meaning: 'The spec has a key that the next release removes.',
    payload: { what: 'the key, and what replaces it' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.login_unknown': {
    meaning: "The forge did not return the account of burn's token.",
    payload: { why },
    text: ({ why }) => `the forge did not return the account of burn's token: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'forge.skipped': {
    meaning: 'burn ignored malformed data from the forge.',
    payload: { what: 'the ignored data, and the reason' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.throttled': {
    meaning: 'Requests to the forge wait, because the limit `requests_per_minute` is reached.',
    payload: { ms: 'the time (ms) that the next request waits' },
    text: ({ ms }) => `the limit "requests_per_minute" of the spec is reached: the next request waits ${Math.ceil(ms / 1000)} s`,
    level: 'info',
    fleeting: true,
  },
  'repo.rights_unknown': {
    meaning: 'The forge did not return the users with write access to a repo, so burn claims no issue of that repo.',
    payload: { why },
    text: ({ why }) => `burn claims no issue of the repo, because the forge did not return the users with write access: ${why}`,
    level: 'warn',
  },
  'repo.unusable': {
    meaning: 'No sprint of this host can publish a change in a repo, so burn claims no issue of that repo for a sprint.',
    payload: { why },
    text: ({ why }) => `burn claims no issue of the repo, because no sprint can publish a change there: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.comment_failed': {
    meaning: 'burn could not write the comment of a dispatch.',
    payload: { why, rests: backoffDoc },
    text: (data) => `burn could not write the comment on the issue: ${data.why}${also(data.rests)}`,
    subject: 'issue',
    level: 'warn',
  },
  'issue.comment_deleted': {
    meaning: 'Somebody deleted the comment of a dispatch.',
    payload: {},
    text: () => "somebody deleted burn's comment",
    subject: 'issue',
    level: 'warn',
  },
  'issue.unclaimed': {
    meaning: 'burn did not claim an issue that it had assigned.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not claimed: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.undelivered': {
    meaning: 'burn claimed an issue, but has not typed the prompt yet.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not delivered yet: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.unpicked': {
    meaning: 'A sprint did not claim the issue that it had picked.',
    payload: { reason },
    text: ({ reason }) => `not claimed: ${sentence(reason)}`,
    level: 'info',
    fleeting: true,
  },
  'issue.mangled': {
    meaning: 'A text about an issue arrived changed, so burn tells the agent to disregard the text.',
    ...because,
    level: 'warn',
    fleeting: true,
  },
  'issue.change_unknown': {
    meaning: 'burn could not check whether the change of an issue is open.',
    payload: { why },
    text: ({ why }) => `burn could not check whether the change of the issue is open: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'delegation.failed': {
    meaning: 'burn could not change the assignees of an issue. It retries in the next cycle.',
    payload: { login: 'the login of the agent', why },
    text: ({ login, why }) => `could not assign ${login}, or remove the assignment: ${why}`,
    level: 'warn',
  },
  'sprint.unwatched': {
    meaning: 'A sprint could not check whether it still has its claim.',
    payload: { why },
    text: ({ why }) => `the sprint could not check its claim: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'sprint.workspace_kept': {
    meaning: 'burn could not remove the workspace of a sprint.',
    payload: { why },
    text: ({ why }) => `burn could not remove the workspace of the sprint: ${why}`,
    level: 'info',
    fleeting: true,
  },
  'backend.unusable': {
    meaning: 'Sprints cannot use a backend now.',
    payload: { name: 'the backend', class: 'the kind of failure, such as `auth`', why },
    text: ({ name, class: failure, why }) => `${name}: ${failure}: ${why}`,
    level: 'warn',
  },
  'model.paused': {
    meaning: 'The circuit breaker of a model opened, so sprints use the next step of the chain.',
    payload: { until: 'the end of the pause (ISO 8601)', why },
    text: ({ until, why }) => `sprints skip this model until ${toSecond(until)}: ${why}`,
    level: 'warn',
  },
  'git.login_failed': { meaning: 'burn could not pass the credentials for the forge to git.', ...failed, level: 'warn', fleeting: true },
  'machine.lost': { meaning: 'The connection to a machine was lost while burn delivered texts.', ...failed, level: 'error' },
  'agent.stopped': {
    meaning:
      'burn sends no texts to an agent kind, because it does not recognise the screens of these agents or could not prove that they got the last texts.',
    payload: { reason },
    text: ({ reason }) => `agents of this kind get no texts: ${sentence(reason)}. Look at a pane: burn attach`,
    level: 'error',
  },
  'login.ended': {
    meaning: 'A login has ended or the provider refused to renew it, so that only a person can log in again.',
    payload: login,
    text: ({ workers, remedy }) => `${ofWorkers(workers)} needs a person: ${remedy}`,
    level: 'error',
  },
  'login.failing': {
    meaning: 'Several attempts in a row did not renew a login. burn continues to try.',
    payload: login,
    text: ({ ends_at, workers, remedy }) => `${ofWorkers(workers)} is not renewed, and ends ${endText(ends_at)}: ${remedy}`,
    level: 'warn',
  },
  'login.copied': {
    meaning: 'Another machine or home has a copy of a login. burn does not renew a copy, because that ends the others.',
    payload: login,
    text: ({ workers, remedy }) => `${ofWorkers(workers)} is a copy of another login, so burn does not renew it: ${remedy}`,
    level: 'warn',
  },
  'login.ending': {
    meaning: 'A login ends before the end of the coming night (`logins.night`), and nothing renews it.',
    payload: login,
    text: ({ ends_at, workers, remedy }) => `${ofWorkers(workers)} ends ${endText(ends_at)}, and nothing renews it: ${remedy}`,
    level: 'warn',
  },
  'job.failed': { meaning: 'A run of a periodic job failed. The job is due again.', ...failed, level: 'error' },
  'notify.failed': {
    meaning:
      'A channel did not accept a message, or not for all recipients. burn retries until it accepts the message, for up to 3 days. burn does not retry for a recipient that a mail server refuses for good.',
    payload: { why },
    text: ({ why }) => `a message did not arrive: ${why}`,
    level: 'warn',
  },
  'notify.dropped': {
    meaning: 'A channel did not accept a message for 3 days, so burn gave up the message.',
    payload: { why, events: 'number of events in the message' },
    text: ({ why, events }) => `burn gave up a message with ${counted(events, 'event')}: ${why}`,
    level: 'error',
  },
  'cycle.failed': { meaning: 'A cycle failed. burn tries again in the next cycle.', ...failed, level: 'error', fleeting: true },
}
