/** File systems in files: what a disk has (a uuid, inode flags, holes), at the speed of memory. */
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync } from 'node:fs'

/** Make an ext4 of a size, with room for a number of inodes, and mount it. */
export function mountImage(image: string, target: string, sizeBytes: number, inodes: number): void {
  const fd = openSync(image, 'wx')
  ftruncateSync(fd, sizeBytes)
  closeSync(fd)
  execFileSync('mkfs.ext4', ['-q', '-F', '-O', '^has_journal', '-N', String(inodes), image])
  execFileSync('mount', ['-o', 'loop', image, target])
}
