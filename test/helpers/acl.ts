/** POSIX ACLs in the form of the `system.posix_acl_*` attributes. */

/** Permission bits (0-7) by tag; named users and groups as id to bits. */
export interface AclSpec {
  readonly user: number
  readonly users?: Readonly<Record<number, number>>
  readonly group: number
  readonly groups?: Readonly<Record<number, number>>
  readonly mask?: number
  readonly other: number
}

const UNDEFINED_ID = 0xffffffff

/** Encode an ACL as a latin1 attribute value. */
export function encodeAcl(spec: AclSpec): string {
  const rows: [tag: number, perm: number, id: number][] = [[0x01, spec.user, UNDEFINED_ID]]
  for (const [id, perm] of Object.entries(spec.users ?? {})) rows.push([0x02, perm, Number(id)])
  rows.push([0x04, spec.group, UNDEFINED_ID])
  for (const [id, perm] of Object.entries(spec.groups ?? {})) rows.push([0x08, perm, Number(id)])
  if (spec.mask !== undefined) rows.push([0x10, spec.mask, UNDEFINED_ID])
  rows.push([0x20, spec.other, UNDEFINED_ID])
  const bytes = Buffer.alloc(4 + rows.length * 8)
  bytes.writeUInt32LE(2, 0)
  rows.forEach(([tag, perm, id], index) => {
    bytes.writeUInt16LE(tag, 4 + index * 8)
    bytes.writeUInt16LE(perm, 6 + index * 8)
    bytes.writeUInt32LE(id, 8 + index * 8)
  })
  return bytes.toString('latin1')
}
