/** Implements the interface `Ledger` on a database engine. Each method is one transaction. */
import type { Ledger, ViewLedger } from '../core/ledger.ts'
import type { AgentLedger } from '../core/ledger/agents.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import type { ChangeLedger } from '../core/ledger/changes.ts'
import type { ClaimLedger } from '../core/ledger/claims.ts'
import type { DelegationLedger } from '../core/ledger/delegations.ts'
import type { DeliveryLedger } from '../core/ledger/deliveries.ts'
import type { ForgeLedger } from '../core/ledger/forge.ts'
import type { HistoryLedger } from '../core/ledger/history.ts'
import type { HoldLedger } from '../core/ledger/holds.ts'
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { NotificationLedger } from '../core/ledger/notifications.ts'
import type { SprintLedger } from '../core/ledger/sprints.ts'
import type { SteeringLedger } from '../core/ledger/steering.ts'
import type { TelemetryLedger } from '../core/ledger/telemetry.ts'
import type { UsageLedger } from '../core/ledger/usage.ts'
import type { WorkerLedger } from '../core/ledger/workers.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { Engine } from './engine.ts'
import { slotStates } from '../core/lifecycle.ts'
import * as agents from './agents.ts'
import { claim, lockedRows, planDeliveries, saveComments } from './claims.ts'
import * as steps from './change-steps.ts'
import * as changes from './changes.ts'
import { checkLedger } from './check.ts'
import * as delegations from './delegations.ts'
import { newNotes, noteEvents, recordEvents } from './events.ts'
import { events, horizon, dispatchTimes, reached } from './history.ts'
import * as issues from './issues.ts'
import * as notifications from './notifications.ts'
import * as holds from './holds.ts'
import * as jobs from './jobs.ts'
import { endSprint, handSprint, moveDeliveries, moveDispatches } from './moves.ts'
import { affectedWork, saveOpenChanges } from './open-changes.ts'
import { prune } from './prune.ts'
import * as queries from './queries.ts'
import * as backoffs from './backoffs.ts'
import * as sprints from './sprints.ts'
import * as steering from './steering.ts'
import * as telemetry from './telemetry.ts'
import * as trust from './trust.ts'
import * as usages from './usage.ts'
import * as verdicts from './verdicts.ts'
import * as workers from './workers.ts'

/** Returns a ledger that stores its data in this engine. */
export function createStore(engine: Engine): Ledger {
  return {
    ...viewStore(engine),
    ...agentStore(engine),
    ...backlogStore(engine),
    ...changeStore(engine),
    ...claimStore(engine),
    ...delegationStore(engine),
    ...deliveryStore(engine),
    ...forgeStore(engine),
    ...historyStore(engine),
    ...holdStore(engine),
    ...jobStore(engine),
    ...notificationStore(engine),
    ...sprintStore(engine),
    ...steeringStore(engine),
    ...telemetryStore(engine),
    ...usageStore(engine),
    ...workerStore(engine),
    waitForChange: (stop) => engine.waitForChange(stop),
    size: () => engine.read(engine.bytes),
    check: () => checkLedger(engine),
    close: () => engine.close(),
  }
}

function viewStore({ read }: Engine): ViewLedger {
  return { view: () => read(queries.view), cycleView: () => read(queries.cycleView) }
}

function agentStore({ query, write }: Engine): AgentLedger {
  return {
    recordAgents: async (given, owner, until, at) =>
      given.length === 0 ? [] : write((trx) => agents.recordAgents(trx, given, { owner, until }, at)),
    beginRestart: (restart, owner, until, at) => write((trx) => agents.beginRestart(trx, restart, { owner, until }, at)),
    endStarts: (workers, owner) => write((trx) => agents.endStarts(trx, workers, owner)),
    saveAgents: (seen) => write((trx) => agents.saveAgents(trx, seen)),
    inherit: async (given, at) => (given.length === 0 ? [] : write((trx) => agents.inherit(trx, given, at))),
    lastAgents: () => query(agents.lastAgents),
  }
}

function backlogStore({ read, write }: Engine): BacklogLedger {
  return {
    candidates: (limits, also = []) => read((trx) => verdicts.candidates(trx, limits, also)),
    openIssues: (repo) => read((trx) => verdicts.openIssues(trx, repo)),
    labelledIssues: (label) => read((trx) => verdicts.labelledIssues(trx, label)),
    issue: (ref) => read((trx) => queries.issue(trx, ref)),
    backlog: () => read(verdicts.backlog),
    titles: (refs) => read((trx) => verdicts.titles(trx, refs)),
    queues: () => read(verdicts.queues),
    saveVerdicts: async (given, at) => (given.length === 0 ? undefined : write((trx) => verdicts.saveVerdicts(trx, given, at))),
    rejudgeIfRulesChanged: (rules) => write((trx) => verdicts.rejudgeIfRulesChanged(trx, rules)),
    saveWaitReasons: (reasons) => write((trx) => verdicts.saveWaitReasons(trx, reasons)),
    requeue: (issue, at) => write((trx) => issues.requeueIssue(trx, issue, at), { notifies: (known) => known }),
    prioritize: (issue, priority, at) => write((trx) => issues.savePriority(trx, issue, priority, at), { notifies: (known) => known }),
    highestPriority: (except) => read((trx) => issues.highestPriority(trx, except)),
    saveBackoff: (given, at) => write((trx) => backoffs.saveBackoff(trx, given, at)),
    backoffs: (at) => read((trx) => backoffs.backoffs(trx, at)),
  }
}

function claimStore({ read, write }: Engine): ClaimLedger {
  return {
    claim: async (claims, owner, until, at) =>
      claims.length === 0 ? [] : write((trx) => claim(trx, claims, { owner, until }, at), { locks: lockedRows(claims) }),
    moveDispatches: async (moves, at) => (moves.length === 0 ? [] : write((trx) => moveDispatches(trx, moves, at), { notifies: freed })),
    saveComments: async (comments, at) => (comments.length === 0 ? undefined : write((trx) => saveComments(trx, comments, at))),
    pendingComments: (owner) => read((trx) => queries.pendingComments(trx, owner)),
    affectedWork: (changed) => read((trx) => affectedWork(trx, changed)),
    dispatches: (filter) => read((trx) => queries.dispatches(trx, filter)),
    leaseOwners: (ids) => read((trx) => queries.leaseOwners(trx, ids)),
    resumeTexts: async (ids) => (ids.length === 0 ? new Map() : read((trx) => queries.resumeTexts(trx, ids))),
  }
}

/** Tells whether one of these dispatches freed a slot, which another dispatcher may fill. */
const freed = (moved: readonly Dispatch[]) => moved.some(({ state }) => !slotStates.includes(state))

function changeStore({ read, write }: Engine): ChangeLedger {
  return {
    reviewView: () => read(changes.reviewView),
    reviewedChanges: () => read(changes.reviewedChanges),
    saveChanges: async (seen, at) => (seen.length === 0 ? undefined : write((trx) => changes.saveChanges(trx, seen, at))),
    saveStages: async (stages, at) => (stages.length === 0 ? undefined : write((trx) => changes.saveStages(trx, stages, at))),
    beginStep: (step, at) => write((trx) => steps.beginStep(trx, step, at)),
    endStep: (step, outcome, reason, at) => write((trx) => steps.endStep(trx, step, { outcome, reason }, at)),
    sprintFollowUps: () => read(steps.sprintFollowUps),
    continueSprint: (step, by, at) => write((trx) => steps.continueSprint(trx, step, by, at)),
    changeSteps: (dispatches, action) => read((trx) => steps.changeSteps(trx, dispatches, action)),
  }
}

function delegationStore({ read, write }: Engine): DelegationLedger {
  return {
    delegationRecords: () => read(delegations.delegationRecords),
    trackRecords: () => read(delegations.trackRecords),
    delegable: (query) => read((trx) => delegations.delegable(trx, query)),
    beginDelegation: (given, revision, at) => write((trx) => delegations.beginDelegation(trx, given, revision, at)),
    moveDelegation: (move, at) => write((trx) => delegations.moveDelegation(trx, move, at), { notifies: (moved) => moved }),
    saveDelegationComment: (issue, login, id) => write((trx) => delegations.saveDelegationComment(trx, issue, login, id)),
    leaveIssues: async (given, rules, at) =>
      given.length === 0 ? undefined : write((trx) => delegations.leaveIssues(trx, given, rules, at)),
  }
}

function deliveryStore({ read, write }: Engine): DeliveryLedger {
  return {
    deliveryView: (owner) => read((trx) => queries.deliveryView(trx, owner)),
    planDeliveries: async (texts, owner, until, at) =>
      texts.length === 0 ? [] : write((trx) => planDeliveries(trx, texts, { owner, until }, at)),
    moveDeliveries: async (moves, owner, at) => (moves.length === 0 ? [] : write((trx) => moveDeliveries(trx, moves, owner, at))),
    takeOverDeliveries: (owner, until, at) => write((trx) => jobs.takeOverDeliveries(trx, { owner, until }, at)),
    deliveries: (filter) => read((trx) => queries.deliveries(trx, filter)),
  }
}

function forgeStore({ query, read, write }: Engine): ForgeLedger {
  return {
    repos: () => query(queries.repoRecords),
    saveIssues: (pages, at, quiet = false) => write((trx) => issues.saveIssues(trx, pages, at, quiet)),
    writePendingEvents: (at) => write((trx) => issues.writePendingEvents(trx, at)),
    openIssueRefs: (repo) => read((trx) => verdicts.openIssueRefs(trx, repo)),
    countOpenIssues: (repo) => read((trx) => verdicts.countOpenIssues(trx, repo)),
    saveUnread: (reasons, at) => write((trx) => backoffs.saveUnread(trx, reasons, at)),
    saveOpenChanges: async (seen) => (seen.length === 0 ? undefined : write((trx) => saveOpenChanges(trx, seen))),
    saveChangeCursors: async (seen) => (seen.size === 0 ? undefined : write((trx) => issues.saveChangeCursors(trx, seen))),
    saveWriters: (repo, writers, how, at) => write((trx) => trust.saveWriters(trx, { repo, writers, ...how }, at)),
    saveApprovals: async (given, at) => (given.length === 0 ? [] : write((trx) => trust.saveApprovals(trx, given, at))),
  }
}

function historyStore(engine: Engine): HistoryLedger {
  const { read, write } = engine
  return {
    events: (filter) => read((trx) => events(trx, filter, engine)),
    recordEvents: (given, at) => write((trx) => recordEvents(trx, given, at)),
    noteEvents: async (notes, at) => {
      // Most notes are known, so this method reads first, without a write lock.
      const fresh = notes.length === 0 ? [] : await read((trx) => newNotes(trx, notes))
      if (fresh.length > 0) await write((trx) => noteEvents(trx, fresh, at))
    },
    horizon: () => read((trx) => horizon(trx, engine)),
    dispatchTimes: (limit) => read((trx) => dispatchTimes(trx, limit)),
    reached: (since, until) => read((trx) => reached(trx, since, until)),
    prune: (before, at, dryRun) => (dryRun ? read : write)((trx) => prune(trx, before, at, dryRun)),
  }
}

function holdStore({ query, write }: Engine): HoldLedger {
  return {
    holds: () => query(holds.holds),
    saveHolds: async (given, at) => (given.length === 0 ? undefined : write((trx) => holds.saveHolds(trx, given, at))),
    removeHolds: (keys, at) => write((trx) => holds.removeHolds(trx, keys, at), { notifies: (gone) => gone.length > 0 }),
  }
}

function jobStore({ query, write }: Engine): JobLedger {
  return {
    // A job is rarely due, so this method reads first, without a write lock.
    beginJob: async (job, owner, until, at) =>
      (await query((db) => jobs.blockingJob(db, job, owner, at))) ?? write((trx) => jobs.beginJob(trx, job, { owner, until }, at)),
    endJob: (job, owner) => write((trx) => jobs.endJob(trx, job, owner)),
    jobs: () => query(jobs.jobs),
    // A process rarely has a lease while its loop pauses, so this method reads first, without a write lock.
    renewLeases: async (owner, until) =>
      (await query((db) => jobs.hasLeases(db, owner))) ? write((trx) => jobs.renewLeases(trx, { owner, until })) : [],
    releaseLeases: async (owner) => void (await write((trx) => jobs.renewLeases(trx, { owner, until: 0 }))),
    loadValue: (key) => query((db) => jobs.loadValue(db, key)),
    saveValue: (key, value) => write((trx) => jobs.saveValue(trx, key, value)),
  }
}

function notificationStore({ query, read, write }: Engine): NotificationLedger {
  return {
    notificationCursor: () => query(notifications.notificationCursor),
    savePlan: (plan) => write((trx) => notifications.savePlan(trx, plan)),
    notificationsOf: (topics) => read((trx) => notifications.notificationsOf(trx, topics)),
    composeMessage: async (channel, at, how) =>
      (await query((db) => notifications.isDue(db, channel, at, how.now)))
        ? write((trx) => notifications.composeMessage(trx, channel, at, how))
        : [],
    saveAttempt: (message, result) => write((trx) => notifications.saveAttempt(trx, message, result)),
    dropOtherChannels: (channels) => write((trx) => notifications.dropOtherChannels(trx, channels)),
    notifications: (since) => read((trx) => notifications.notifications(trx, since)),
  }
}

function sprintStore({ read, write }: Engine): SprintLedger {
  return {
    claimSprint: (each, owner, until, at) => write((trx) => sprints.claimSprint(trx, each, { owner, until }, at)),
    saveSprint: (id, owner, progress, at) => write((trx) => sprints.saveSprint(trx, { id, owner }, progress, at)),
    handSprint: (id, owner, at) => write((trx) => handSprint(trx, id, owner, at)),
    endSprint: (id, owner, end, at) => write((trx) => endSprint(trx, { id, owner }, end, at), { notifies: (ended) => ended }),
    publishSprint: (id, url, at) => write((trx) => sprints.publishSprint(trx, id, url, at), { notifies: (opened) => opened }),
    sprints: (filter) => read((trx) => sprints.sprints(trx, filter)),
    skip: (each) => write((trx) => sprints.skip(trx, each)),
    unskip: (worker, issue) => write((trx) => sprints.unskip(trx, worker, issue)),
    skips: (at, worker) => read((trx) => sprints.skips(trx, at, worker)),
  }
}

function steeringStore({ query, read, write }: Engine): SteeringLedger {
  return {
    unhandledComments: async (comments) => (comments.length === 0 ? [] : read((trx) => steering.unhandledComments(trx, comments))),
    steer: (orders, seen, newId, at) =>
      write((trx) => steering.steer(trx, orders, { read: seen, newId }, at), { notifies: (handled) => handled.length > 0 }),
    unacknowledgedSteering: () => query(steering.unacknowledgedSteering),
    acknowledgeSteering: (order, at) => write((trx) => steering.acknowledgeSteering(trx, order, at)),
  }
}

function telemetryStore({ query, read, write }: Engine): TelemetryLedger {
  return {
    openSpans: () => query(telemetry.openSpans),
    spans: (filter) => read((trx) => telemetry.spans(trx, filter)),
    saveSample: (changes, at) => write((trx) => telemetry.saveSample(trx, changes, at)),
    measures: (filter) => read((trx) => telemetry.measures(trx, filter)),
    rollUp: (before, keep_since) => write((trx) => telemetry.rollUp(trx, before, keep_since)),
  }
}

function usageStore({ query, read, write }: Engine): UsageLedger {
  return {
    usage: (filter) => read((trx) => usages.usageSince(trx, filter)),
    addUsage: (records, sources, models = []) =>
      write(async (trx) => {
        await usages.addUsage(trx, records)
        await usages.saveUsageSources(trx, sources)
        await usages.saveModelUses(trx, models)
      }),
    saveUsageLimits: (limits) => write((trx) => usages.saveUsageLimits(trx, limits)),
    usageLimits: () => query(usages.usageLimits),
    modelUses: () => query(usages.modelUses),
    usageSources: (machine, paths) => read((trx) => usages.usageSources(trx, machine, paths)),
    failedUsageSources: () => read(usages.failedUsageSources),
  }
}

function workerStore({ query, read, write }: Engine): WorkerLedger {
  return {
    workers: () => query(queries.workerRecords),
    recordWorkers: (given, at) => write((trx) => workers.recordWorkers(trx, given, at)),
    saveReadings: (readings, at) => write((trx) => workers.saveReadings(trx, readings, at)),
    saveProvision: (worker, provision) => write((trx) => workers.saveProvision(trx, worker, provision)),
    knownAgents: () => read((trx) => workers.knownAgents(trx)),
  }
}
