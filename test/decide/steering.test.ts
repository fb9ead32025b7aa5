/** burn obeys comments of people who may write, and of nobody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { steering } from '../../src/decide/steering.ts'
import { stateOf } from '../support/state.ts'

const comment = (id: string, author: string, created_at = 1) => {
  return { ref: 'o/r#1', id, author, body: '', created_at, comment: id, steering: { word: 'stop' } } as const
}

test('steering: obeys writers, and neither strangers, bots nor itself', () => {
  const authors = ['ann', 'eve', 'Burn', 'renovate[bot]', 'gitea-actions', 'smith']
  const comments = authors.map((author, index) => comment(String(index), author))
  const writers = new Map([['o/r', new Set(['ann', 'burn', 'Burn', 'renovate[bot]', 'gitea-actions', 'smith'])]])
  const state = stateOf({ writers, steering: { comments, login: 'burn', read: new Map() } })
  const agents = [{ login: 'Smith' }] as never
  const withAgents = { ...state, fleet: { ...state.fleet, delegation: { agents } as never } }
  assert.deepEqual(
    steering(withAgents).map(({ author }) => author),
    ['ann'],
  )
  const named = { ...state.fleet.dispatch, trust: { ...state.fleet.dispatch.trust, commands: ['renovate[bot]', 'eve', 'burn'] } }
  const obeyed = steering({ ...state, fleet: { ...state.fleet, dispatch: named } })
  assert.deepEqual(
    obeyed.map(({ author }) => author),
    ['renovate[bot]'],
    'a named account must be able to write, too',
  )
})

test('steering: keeps the order of the comments, and refuses unclear ones', () => {
  const unclear = { ...comment('9', 'ann', 5), steering: { word: null, text: 'go, stop' } } as const
  const comments = [comment('12', 'ann', 7), unclear, comment('10', 'ann', 7), { ...comment('1', 'ann', 1), ref: 'o/r!3' }]
  const found = steering(stateOf({ writers: new Map([['o/r', new Set(['ann'])]]), steering: { comments, login: 'burn', read: new Map() } }))
  assert.deepEqual(
    found.map(({ comment: id, refusal }) => [id, refusal?.code ?? null]),
    [
      ['1', null],
      ['9', 'steering_unclear'],
      ['10', null],
      ['12', null],
    ],
  )
})
