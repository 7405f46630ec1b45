/** Directory listing through getdents64(2). */
import { lseek } from './io.js'
import { NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'
import { close, openDirRead } from './open.js'

const buffer = new NativeMemory(64 * 1024)

/** Called for each name but `.` and `..`. */
export type DirentVisitor = (name: string, type: number, inoLo: number, inoHi: number) => void

/**
 * Read a whole directory from the start.
 * @param fd a directory open for reading
 * @returns 0 or -errno
 * @mirrors getdents64(2)
 */
export function readDirents(fd: number, visit: DirentVisitor): number {
  const rewound = lseek(fd, 0, 0)
  if (rewound < 0) return rewound
  const { bytes, u32, address } = buffer
  for (;;) {
    const filled = orErrno(native.getdents64(fd, address, bytes.length))
    if (filled <= 0) return filled
    let at = 0
    while (at < filled) {
      const length = (bytes[at + 16] ?? 0) | ((bytes[at + 17] ?? 0) << 8)
      const type = bytes[at + 18] ?? 0
      const start = at + 19
      const end = bytes.indexOf(0, start)
      const dot =
        bytes[start] === 0x2e &&
        (end === start + 1 || (end === start + 2 && bytes[start + 1] === 0x2e))
      if (!dot) {
        visit(bytes.latin1Slice(start, end), type, u32[at >> 2] ?? 0, u32[(at >> 2) + 1] ?? 0)
      }
      at += length
    }
  }
}

/**
 * Let a directory's access time say that it was read now, as its mount has it (relatime, noatime).
 * @param dirfd the directory, O_PATH
 * @returns 0 or -errno
 */
export function touchDirectory(dirfd: number): number {
  const fd = openDirRead(dirfd)
  if (fd < 0) return fd
  // Whether an entry fits does not matter: the time is set in any case.
  native.getdents64(fd, buffer.address, 32)
  close(fd)
  return 0
}
