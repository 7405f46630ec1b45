/**
 * All nodes the kernel holds, by nodeid. Ids count up and are never given twice; the root is 1. A
 * node leaves the table when its lookup count is 0 and no known child needs it, and takes its
 * descriptors with it.
 */
import type { DirNode, FileNode, Node } from './node.js'

/** Nodes by nodeid. */
export class NodeTable {
  readonly #nodes = new Map<number, Node>()
  /** Upper files with several links, by device-local inode number: one inode, one node. */
  readonly #hardLinks = new Map<number, FileNode>()
  /** Files that share a copy in work/index, by its name: one lower inode, one node. */
  readonly #indexed = new Map<string, FileNode>()
  /** Directories that show a lower one, by its file system and inode number. */
  readonly #lowerDirs: Map<number, DirNode>[] = []
  readonly #drop: (node: Node) => void
  #next = 2

  /** @param drop releases what a node that leaves still holds */
  constructor(drop: (node: Node) => void) {
    this.#drop = drop
  }

  /** Nodes known now. */
  get size(): number {
    return this.#nodes.size
  }

  nextId(): number {
    return this.#next++
  }

  get(id: number): Node | undefined {
    return this.#nodes.get(id)
  }

  add(node: Node): void {
    this.#nodes.set(node.id, node)
  }

  values(): IterableIterator<Node> {
    return this.#nodes.values()
  }

  /** The node of a hard-linked upper inode, if one is known. */
  byUpperKey(key: number): FileNode | undefined {
    return this.#hardLinks.get(key)
  }

  setUpperKey(node: FileNode, key: number): void {
    if (node.upperKey === key) return
    if (node.upperKey !== 0) this.#hardLinks.delete(node.upperKey)
    node.upperKey = key
    if (key !== 0) this.#hardLinks.set(key, node)
  }

  /** The node of a lower hard link, if one is known. */
  byIndexName(name: string): FileNode | undefined {
    return this.#indexed.get(name)
  }

  /** Let a node be the one of a lower hard link; '' = of none any more. */
  setIndexName(node: FileNode, name: string): void {
    if (this.#indexed.get(node.indexName) === node) this.#indexed.delete(node.indexName)
    node.indexName = name
    if (name !== '') this.#indexed.set(name, node)
  }

  /** The node of a lower directory, if one is known. */
  byLowerDir(fsid: number, key: number): DirNode | undefined {
    return this.#lowerDirs[fsid]?.get(key)
  }

  setLowerDir(node: DirNode, fsid: number, key: number): void {
    node.lowerFsid = fsid
    node.lowerKey = key
    const known = (this.#lowerDirs[fsid] ??= new Map<number, DirNode>())
    known.set(key, node)
  }

  /** The kernel gave back `count` references. @mirrors FUSE_FORGET */
  forget(id: number, count: number): void {
    const node = this.#nodes.get(id)
    if (node === undefined) return
    node.nlookup = Math.max(0, node.nlookup - count)
    this.collect(node)
  }

  /** Remove `node`, and the parents of its names that only it kept, if nothing refers to them. */
  collect(node: Node): void {
    let current: Node | null = node
    while (current !== null && current.id !== 1 && current.nlookup === 0) {
      if (current.isDir && current.children.size > 0) return
      if (!this.#nodes.delete(current.id)) return
      const parent: DirNode | null = current.parent
      if (parent?.children.get(current.name) === current) parent.children.delete(current.name)
      if (current.isDir) this.#forgetDir(current)
      else this.#forgetFile(current)
      this.#drop(current)
      current = parent
    }
  }

  #forgetDir(node: DirNode): void {
    const known = this.#lowerDirs[node.lowerFsid]
    if (known?.get(node.lowerKey) === node) known.delete(node.lowerKey)
  }

  #forgetFile(node: FileNode): void {
    this.setUpperKey(node, 0)
    if (this.#indexed.get(node.indexName) === node) this.#indexed.delete(node.indexName)
    for (const { parent, name } of node.aliases ?? []) {
      if (parent.children.get(name) === node) parent.children.delete(name)
      if (parent !== node.parent) this.collect(parent)
    }
  }
}
