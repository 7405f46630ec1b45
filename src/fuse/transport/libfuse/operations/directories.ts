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
  const sink: DirentSink = {
    hasRoom: () => goesOn,
    add: (name, inoLo, inoHi, type) => {
      goesOn = take(name, inoLo, inoHi, type)
    },
  }
  return x.filesystem.readdir(x.request, nodeid, 0, 0, sink)
}

/** Make a directory's entries safe. */
export function fsyncdir(x: Adapter, path: string, datasync: boolean): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : x.filesystem.fsyncdir(x.request, nodeid, 0, datasync)
}
