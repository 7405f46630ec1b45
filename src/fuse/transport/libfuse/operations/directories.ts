/** Directories: readdir, fsyncdir. */
import type { DirentSink } from '../../../raw-filesystem.js'
import type { Adapter } from '../adapter.js'

/** Takes an entry; returns whether it takes another. `type` is DT_*. */
export type TakeEntry = (name: string, inoLo: number, inoHi: number, type: number) => boolean

/** All entries of a directory, `.` and `..` among them: libfuse keeps them for the reader. */
export function readdir(x: Adapter, path: string, take: TakeEntry): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  let goesOn = true
  let last = 0
  const hasRoom = (): boolean => goesOn
  const sink: DirentSink = {
    hasRoom,
    add: (name, inoLo, inoHi, type, cookie) => {
      goesOn = take(name, inoLo, inoHi, type)
      last = cookie
    },
  }
  // A listing that meets an error ends before it, and the next call tells.
  let from: number
  let result: number
  do {
    from = last
    result = x.filesystem.readdir(x.request, nodeid, 0, from, sink)
  } while (result >= 0 && last !== from && hasRoom())
  return result
}

/** Make a directory's entries safe. */
export function fsyncdir(x: Adapter, path: string, datasync: boolean): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : x.filesystem.fsyncdir(x.request, nodeid, 0, datasync)
}
