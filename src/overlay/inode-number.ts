/**
 * The inode numbers users see. With all layers on one file system they are the real ones. With
 * several, a FUSE mount has but one st_dev, so the number of the file system goes into the high bits
 * as kernel overlayfs does with xino=on; the lowest of those bits marks overflow.
 * @mirrors fs/overlayfs/inode.c:ovl_map_dev_ino
 */
export class InodeNumbers {
  /** Bits for the file system number in the high half; 0 = one file system. */
  readonly #bits: number
  readonly #cut32: boolean

  constructor(fsCount: number, ino32: boolean) {
    this.#bits = fsCount < 2 ? 0 : 33 - Math.clz32(fsCount - 1)
    this.#cut32 = ino32
  }

  /** Whether the high half of inode numbers carries the file system's number. */
  get mapped(): boolean {
    return this.#bits > 0
  }

  /** High half of the shown number for a real inode on file system `fsid`. */
  high(inoHi: number, fsid: number): number {
    if (this.#cut32) return 0
    if (this.#bits === 0 || fsid === 0) return inoHi
    const overflow = inoHi >>> (32 - this.#bits) !== 0
    return overflow ? inoHi : (inoHi | (fsid << (33 - this.#bits))) >>> 0
  }
}
