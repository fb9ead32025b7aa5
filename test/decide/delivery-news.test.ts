/** One line about each delivery of a cycle, with the command that helps. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newsOf, type DeliveryNews } from '../../src/decide/delivery-news.ts'

const line = (more: Partial<DeliveryNews>) => {
  const plain = { id: '0k3', kind: 'work', issue: 'o/app#5', worker: 'mac/W/ANN', proof: null, evidence: { code: 'planned' } } as const
  const { text, remedy } = newsOf({ ...plain, state: 'planned', ...more })
  return `${text}${remedy === null ? '' : `. Run: ${remedy}`}`
}
const state = (name: 'waiting' | 'unknown', detail: string | null) => ({ code: 'agent_state', state: name, detail }) as const

test('delivery news: names what happened and the remedy', () => {
  const lines = [
    line({ waits: state('waiting', 'approval') }),
    line({ waits: state('waiting', 'question') }),
    line({ waits: { code: 'draft' } }),
    line({ waits: { code: 'worker_busy' } }),
    line({ state: 'placed' }),
    line({ state: 'seen', proof: 'text', evidence: { code: 'screen_text' } }),
    line({ state: 'refused', evidence: { code: 'no_agent' } }),
    line({ state: 'refused', evidence: { code: 'not_placed', seconds: 900, why: state('waiting', 'approval') } }),
    line({ state: 'refused', evidence: { code: 'agent_gone' } }),
    line({ state: 'unknown', kind: 'follow_up', evidence: { code: 'agent_gone' } }),
  ]
  assert.deepEqual(lines, [
    'ANN waits for approval. Run: burn answer ANN',
    'ANN waits for an answer. Run: burn answer ANN',
    'ANN does not have the issue yet: a draft is in the composer. Run: burn attach ANN',
    'ANN does not have the issue yet: another text is on its way to this worker',
    'burn is sending the issue to ANN',
    'ANN got the issue',
    'ANN did not get the issue: no agent runs in the pane. Run: burn christen ANN',
    'ANN did not get the issue: not typed within 900 s: the agent is waiting (approval). Run: burn answer ANN',
    'ANN did not get the issue: the agent that the text was for is gone. Run: burn explain o/app#5',
    'burn cannot prove that ANN got the text (follow up): the agent that the text was for is gone. Run: burn attach ANN',
  ])
})
