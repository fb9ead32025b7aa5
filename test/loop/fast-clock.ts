/**
 * The fast clock of `npm run loop`. burn waits a minute until it regards the turn of an agent as ended. A file holds the time by which the
 * clock is ahead, so that all processes agree. The clock runs fast only while each process of burn keeps up. On a loaded machine it slows
 * down to real time, so that no lease ends only because its process did not get the processor.
 */
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'

/** The number of seconds of the fast clock in one second, if all processes keep up. */
export const speed = 8

/** The processes that must keep up. Each one has a place in the file, behind the time. */
const members = ['dispatch', 'sprint'] as const
export type Member = (typeof members)[number]

const size = 8
const placeOf = (member: Member) => (1 + members.indexOf(member)) * size
/** The pause (ms) between two signs of life of a process. */
const signPause = 50
/** The longest time (ms) between two calls of `advance` in which the clock runs fast. */
const longestTick = 500

/** The clock, as one process sees it. */
export class FastClock {
  readonly #fd: number
  readonly #bytes = Buffer.alloc(size)
  #last = Date.now()
  #signs = new Map<Member, number>()

  constructor(path: string) {
    this.#fd = openSync(path, 'r+')
  }

  /** Creates the file of a clock that is right. */
  static create(path: string): FastClock {
    writeFileSync(path, Buffer.alloc((1 + members.length) * size))
    return new FastClock(path)
  }

  /** Returns the time (ms). */
  now(): number {
    return Date.now() + this.#read(0)
  }

  /** Returns how many seconds of this clock passed in a second since `began` (ms). */
  pace(began: number): string {
    return (1 + this.#read(0) / (Date.now() - began)).toFixed(1)
  }

  /** Shows until the process ends that its event loop runs. */
  keepUp(member: Member): void {
    let signs = 0
    const sign = () => this.#write(placeOf(member), ++signs)
    sign()
    setInterval(sign, signPause).unref()
  }

  /** Tells that a process has ended, so that the clock no longer waits for it. */
  ended(member: Member): void {
    this.#write(placeOf(member), 0)
  }

  /** Brings the clock forward. One process calls this often. */
  advance(): void {
    const now = Date.now()
    const passed = now - this.#last
    this.#last = now
    const signs = new Map(members.map((member) => [member, this.#read(placeOf(member))]))
    // 0: the process has not begun, or has ended.
    const isLate = members.some((member) => signs.get(member) !== 0 && signs.get(member) === this.#signs.get(member))
    this.#signs = signs
    if (!isLate && passed <= longestTick) this.#write(0, this.#read(0) + passed * (speed - 1))
  }

  close(): void {
    closeSync(this.#fd)
  }

  #read(place: number): number {
    readSync(this.#fd, this.#bytes, 0, size, place)
    return this.#bytes.readDoubleLE()
  }

  #write(place: number, value: number): void {
    this.#bytes.writeDoubleLE(value)
    writeSync(this.#fd, this.#bytes, 0, size, place)
  }
}
