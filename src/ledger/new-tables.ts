/**
 * The tables with which a new ledger begins. They equal those of an old ledger after its first 19 migrations, and creating them takes a
 * fifth of the time. burn runs later migrations after it.
 */
import type { Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { tableStatements } from './create-tables.ts'

/** The version of these tables. Later migrations follow. */
export const newTablesVersion = 19

/** Creates the tables and indexes in an empty database. */
export async function createNewTables(trx: Transaction<Tables>, { serial, script }: Pick<Engine, 'serial' | 'script'>): Promise<void> {
  const ordered = serial === 'bigserial' ? eventsInOrder : []
  await script(trx, [...tableStatements(tables, serial), ...ordered, ...indexes])
}

const tables = {
  meta: 'key key, value text!',
  repo: `repo key, cursor text, writers text, writers_at bigint, rights_at bigint, listed_at bigint, changes_at bigint, wait_reason text,
    unreadable_since bigint, unreadable_reason text, changed_at bigint, news_at bigint, comments_at bigint`,
  issue: `ref key, repo text!, number bigint!, title text!, body text!, labels text!, assignees text!, author text!, state text!, created_at bigint!,
    updated_at bigint!, comments integer!, url text!, attempts count!, done count!, eligible integer, verdict text, verdict_at bigint,
    backoff_until bigint, backoff_reason text, open_change text, approved_hash text, approved_by text, stopped_by text, text_at bigint, standing text,
    revision count!, priority count!, pending_event text, delegation_left text, due_at bigint, queue_rank rank!`,
  open_change: 'id key, issue text!, repo text!, url text!, name text!, dispatch text',
  worker: `id key, drawn_seq integer!, drawn integer!, used_at bigint, state text, state_since bigint, start_seen integer, error_at bigint,
    provision text`,
  agent: `id key, worker worker.id!, incarnation text, started_with text!, continues text, conversation text, started_at bigint!, ended_at bigint,
    successor text`,
  dispatch: `id key, kind text!, issue issue.ref!, worker worker.id!, slot integer, state text!, attempt integer!, reason text!, state_reason text!,
    comment_id text, comment_state text, incarnation text, change_url text, claimed_at bigint!, handed_at bigint, changed_at bigint!`,
  delivery: `id key, kind text!, dispatch text, issue text, worker worker.id!, state text!, text text!, typed text, proof text, incarnation text,
    evidence text!, presses integer!, planned_at bigint!, changed_at bigint!, lease_owner text, lease_token integer!, lease_until bigint!`,
  delegation: `id key, issue text!, login text!, agent text!, state text!, reason text!, comment_id text, created_at bigint!, deadline bigint!,
    changed_at bigint!`,
  steering: `id key, ref text!, comment text!, author text!, word text, issue text, outcome text!, reason text, created_at bigint!, at bigint!,
    acknowledged_at bigint`,
  sprint: `id key, issue text!, worker text!, host text!, stage text!, backend text, model text, provider text, turns count!, tokens_in bigint!,
    tokens_out bigint!, cost real, outcome text, failure text, failure_text text, check_command text, check_result text, change_url text,
    started_at bigint!, ended_at bigint, lease_owner text, lease_until bigint!`,
  event: 'seq serial, at bigint!, kind text!, subject text!, issue text, worker text, actor text, payload text!',
  hold: 'id key, scope text!, name text!, code text!, reason text!, until bigint, actor text!, created_at bigint!',
  job: 'name key, period bigint, owner text, until bigint, last_run bigint, last_result text, next_run bigint',
  skip: 'id key, worker text!, issue text!, until bigint, reason text!, at bigint!',
  open_span: `id key, kind text!, subject text!, machine text, state text!, detail text, issue text, incarnation text, evidence text!, began_at bigint!,
    seen_at bigint!, reported text`,
  span_group: `id numeric-key, hash text!, used_at bigint!, kind text!, subject text!, machine text, state text!, detail text, repo text,
    incarnation text`,
  span: `id numeric-key, began_at bigint!, seen_at bigint!, ended_at bigint!, number bigint, group_id integer!, evidence text!, reported text`,
  measure: 'id key, subject text!, at bigint!, period bigint!, numbers text!',
  usage_group: `id numeric-key, hash text!, used_at bigint!, source text!, worker text!, incarnation text!, repo text!, agent text!, provider text!,
    model_asked text!, model_answered text!, subscription integer`,
  usage: `id numeric-key, calls bigint!, input bigint!, cache_read bigint, cache_write bigint, output bigint!, reasoning bigint, number bigint!,
    group_id integer!, last_ms integer!, reported_cost float8`,
  usage_source: 'id key, machine text!, path text!, inode text, position bigint!, state text!, read_at bigint!, failure text',
  model_use: `id key, worker text!, session text!, at bigint!, provider text!, model_asked text!, model_answered text!, record text!, incarnation text!,
    idle integer!`,
  usage_limit: 'id key, worker text!, name text!, used float8!, resets_at bigint, at bigint!',
  change_watch: `dispatch key, ref text!, facts text!, first_pusher text, protected_paths text, read_at bigint!, stage text!, reason text!,
    staged_at bigint!`,
  change_step: `id key, dispatch text!, action text!, signature text!, attempt integer!, head text!, worker text, delivery text, sprint_text text,
    outcome text!, reason text!, at bigint!`,
  notification: `id key, channel text!, topic text!, message text, content text!, state text!, attempts integer!, next_at bigint, last_error text,
    created_at bigint!, sent_at bigint`,
}

const eventsInOrder = [
  `alter table event add column tx bigint not null default txid_current()`,
  `create index event_in_order on event (tx, seq)`,
]

const indexes = [
  `create unique index dispatch_one_an_issue on dispatch (issue) where kind = 'work' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_asked on dispatch (issue, worker) where kind = 'council' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_a_slot on dispatch (worker, slot) where kind = 'work' and state in ('claimed', 'handed')`,
  `create index dispatch_live on dispatch (id) where state in ('claimed', 'handed', 'review')`,
  `create index dispatch_of_issue on dispatch (issue, id)`,
  `create index dispatch_of_worker on dispatch (worker, id)`,
  `create index dispatch_pending_comment on dispatch (id) where comment_id is not null and comment_state <> state`,
  `create unique index delivery_one_pasting on delivery (worker) where state in ('placing', 'placed')`,
  `create index delivery_active on delivery (id) where state in ('planned', 'placing', 'placed', 'submitted')`,
  `create index delivery_of_worker on delivery (worker, kind, id) where issue is null`,
  `create index delivery_unproven on delivery (id) where state in ('unknown', 'mangled')`,
  `create index delivery_further on delivery (dispatch) where kind in ('follow_up', 'correction', 'resume', 'command')`,
  `create unique index worker_order on worker (drawn_seq)`,
  `create index issue_open on issue (repo) where state = 'open'`,
  `create index issue_standing on issue (standing) where state = 'open'`,
  `create index issue_closed_at_work on issue (ref) where standing = 'taken' and state <> 'open'`,
  `create index issue_queued on issue (repo, priority desc, queue_rank, created_at, number) where state = 'open' and standing = 'queued'`,
  `create index issue_assigned on issue (ref) where state = 'open' and assignees <> '[]'`,
  `create index issue_backoff on issue (backoff_until) where backoff_until is not null`,
  `create index issue_pending_event on issue (ref) where pending_event is not null`,
  `create index event_of_subject on event (subject, seq)`,
  `create index sprint_live on sprint (id) where ended_at is null`,
  `create index open_change_of_issue on open_change (issue)`,
  `create index open_change_of_repo on open_change (repo)`,
  `create index open_change_of_url on open_change (url)`,
  `create index open_change_beside on open_change (issue) where dispatch is null`,
  `create unique index span_group_hash on span_group (hash)`,
  `create index measure_at on measure (at)`,
  `create unique index usage_group_hash on usage_group (hash)`,
  `create index usage_issue on usage (number)`,
  `create index usage_source_failed on usage_source (id) where failure is not null`,
  `create index notification_pending on notification (channel, id) where state = 'pending'`,
  `create index notification_topic on notification (topic)`,
  `create index notification_message on notification (message)`,
  `create index agent_worker on agent (worker, id)`,
  `create index model_use_worker on model_use (worker)`,
  `create index change_step_of_dispatch on change_step (dispatch, at)`,
  `create unique index delegation_one_an_issue on delegation (issue) where state in ('assigning', 'assigned', 'started')`,
  `create index steering_unacknowledged on steering (at) where acknowledged_at is null`,
]
