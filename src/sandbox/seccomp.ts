/**
 * Builds the seccomp filter of sandboxed commands, as a program in classic BPF. It refuses kernel interfaces that attackers have often used to
 * leave a sandbox, and that builds and tests do not need.
 *
 * Sources: linux/filter.h and linux/seccomp.h for the program, asm/unistd.h for the numbers of the system calls.
 */

/** An instruction: its code, the jumps if a comparison is true or false, and its operand. */
type Instruction = readonly [code: number, if_true: number, if_false: number, operand: number]

/** Condition on the lower 32 bits of an argument, which are all that the kernel reads of flags and ioctl requests. */
type Condition = { readonly argument: 0 | 1; readonly has_bit: number } | { readonly argument: 0 | 1; readonly equals: number }

/** A system call that the filter refuses: its number on each processor, and the error that the caller gets. */
interface Rule {
  readonly x64: number
  readonly arm64: number
  readonly errno: number
  /** The filter refuses only calls for which this condition holds. */
  readonly when?: Condition
}

const EPERM = 1
const ENOSYS = 38
const CLONE_NEWUSER = 0x1000_0000

const rules: Readonly<Record<string, Rule>> = {
  // Programs that get ENOSYS use older system calls instead.
  io_uring_setup: { x64: 425, arm64: 425, errno: ENOSYS },
  io_uring_enter: { x64: 426, arm64: 426, errno: ENOSYS },
  io_uring_register: { x64: 427, arm64: 427, errno: ENOSYS },
  add_key: { x64: 248, arm64: 217, errno: EPERM },
  request_key: { x64: 249, arm64: 218, errno: EPERM },
  keyctl: { x64: 250, arm64: 219, errno: EPERM },
  unshare: { x64: 272, arm64: 97, errno: EPERM, when: { argument: 0, has_bit: CLONE_NEWUSER } },
  clone: { x64: 56, arm64: 220, errno: EPERM, when: { argument: 0, has_bit: CLONE_NEWUSER } },
  // The flags of clone3 are in memory, which a filter cannot read. The C library then uses clone.
  clone3: { x64: 435, arm64: 435, errno: ENOSYS },
  setns: { x64: 308, arm64: 268, errno: EPERM },
  bpf: { x64: 321, arm64: 280, errno: EPERM },
  perf_event_open: { x64: 298, arm64: 241, errno: EPERM },
  userfaultfd: { x64: 323, arm64: 282, errno: EPERM },
  TIOCSTI: { x64: 16, arm64: 29, errno: EPERM, when: { argument: 1, equals: 0x5412 } },
  TIOCLINUX: { x64: 16, arm64: 29, errno: EPERM, when: { argument: 1, equals: 0x541c } },
}

/** The processors for which burn has a filter, with the kernel's identifier of each (AUDIT_ARCH). */
const processors = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const

const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_AT_LEAST = 0x35
const IF_BIT = 0x45
const RETURN = 0x06

const ALLOW = 0x7fff_0000
const KILL_PROCESS = 0x8000_0000
const fail = (errno: number): Instruction => [RETURN, 0, 0, 0x0005_0000 | errno]

/** The offsets in `struct seccomp_data`. */
const NUMBER_OFFSET = 0
const PROCESSOR_OFFSET = 4
const argumentOffset = (index: number) => 16 + 8 * index

/**
 * Returns the filter for a processor, named as in `process.arch`, as the bytes that bubblewrap reads; null if burn has no filter for it. A
 * program for another processor, such as a 32-bit program, is killed at its first system call.
 */
export function seccompFilter(arch: string): Buffer | null {
  if (arch !== 'x64' && arch !== 'arm64') return null
  const loadNumber: Instruction = [LOAD, 0, 0, NUMBER_OFFSET]
  const program: Instruction[] = [
    [LOAD, 0, 0, PROCESSOR_OFFSET],
    [IF_EQUAL, 1, 0, processors[arch]],
    [RETURN, 0, 0, KILL_PROCESS],
    loadNumber,
    // Numbers from here on are those of the x32 interface, whose numbers the rules do not list. arm64 has no such numbers.
    [IF_AT_LEAST, 0, 1, 0x4000_0000],
    fail(ENOSYS),
    ...Object.values(rules).flatMap((rule): Instruction[] => {
      if (rule.when === undefined) return [[IF_EQUAL, 0, 1, rule[arch]], fail(rule.errno)]
      const check: Instruction = 'equals' in rule.when ? [IF_EQUAL, 0, 1, rule.when.equals] : [IF_BIT, 0, 1, rule.when.has_bit]
      return [[IF_EQUAL, 0, 4, rule[arch]], [LOAD, 0, 0, argumentOffset(rule.when.argument)], check, fail(rule.errno), loadNumber]
    }),
    [RETURN, 0, 0, ALLOW],
  ]
  return Buffer.concat(program.map(bytesOf))
}

/** Encodes an instruction as `struct sock_filter`. The supported processors, x86-64 and arm64, are little-endian. */
function bytesOf([code, ifTrue, ifFalse, operand]: Instruction): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(ifTrue, 2)
  bytes.writeUInt8(ifFalse, 3)
  bytes.writeUInt32LE(operand, 4)
  return bytes
}
