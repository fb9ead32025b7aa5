/** The seccomp filter of each processor, run by an interpreter; `kernel.test.ts` calls the kernel. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seccompFilter } from '../../src/sandbox/seccomp.ts'

const [x64, arm64, i386, arm] = [0xc000_003e, 0xc000_00b7, 0x4000_0003, 0x4000_0028]
const [allowed, killed, notPermitted, missing] = [0x7fff_0000, 0x8000_0000, 0x0005_0001, 0x0005_0026]

/** Runs the filter of `name` for a system call, as the kernel does, and returns its decision. */
function decide(name: string, processor: number, number: number, args: readonly bigint[] = []): number {
  const program = seccompFilter(name) ?? Buffer.alloc(0)
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number, 0)
  data.writeUInt32LE(processor, 4)
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + 8 * index)
  let loaded = 0
  for (let at = 0; at < program.length; at += 8) {
    const [code, operand] = [program.readUInt16LE(at), program.readUInt32LE(at + 4)]
    const jump = (condition: boolean) => 8 * program.readUInt8(at + (condition ? 2 : 3))
    if (code === 0x20) loaded = data.readUInt32LE(operand)
    else if (code === 0x06) return operand
    else if (code === 0x15) at += jump(loaded === operand)
    else if (code === 0x35) at += jump(loaded >= operand)
    else if (code === 0x45) at += jump((loaded & operand) !== 0)
    else assert.fail(`unknown instruction ${code}`)
  }
  return assert.fail('the program ends without a decision')
}

const newUser = 0x1000_0011n
const decisions: readonly (readonly [what: string, numbers: readonly [number, number], args: readonly bigint[], decision: number])[] = [
  ['read', [0, 63], [], allowed],
  ['keyctl', [250, 219], [], notPermitted],
  ['io_uring_setup', [425, 425], [], missing],
  ['clone3', [435, 435], [], missing],
  ['clone', [56, 220], [0x11n], allowed],
  ['clone with CLONE_NEWUSER', [56, 220], [newUser], notPermitted],
  ['unshare with CLONE_NEWUSER', [272, 97], [newUser], notPermitted],
  ['ioctl TIOCSTI', [16, 29], [0n, 0x5412n], notPermitted],
  ['ioctl TIOCSTI with high bits', [16, 29], [0n, 0xff_0000_5412n], notPermitted],
  ['ioctl TIOCLINUX', [16, 29], [0n, 0x541cn], notPermitted],
  ['ioctl TCGETS', [16, 29], [0n, 0x5401n], allowed],
  ['a number of x32', [0x4000_00fa, 0x4000_00fa], [], missing],
]
for (const [column, [name, own, other]] of (
  [
    ['x64', x64, i386],
    ['arm64', arm64, arm],
  ] as const
).entries())
  test(`filter: decides about each system call on ${name}`, () => {
    for (const [what, numbers, args, decision] of decisions) assert.equal(decide(name, own, numbers[column] ?? -1, args), decision, what)
    assert.equal(decide(name, other, 20), killed)
  })

test('filter: does not exist for other processors', () => {
  assert.equal(seccompFilter('riscv64'), null)
})
