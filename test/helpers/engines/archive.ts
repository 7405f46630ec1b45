/** An image put together from layer archives, in the form that `docker save` writes. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Write an image of uncompressed layers, lowest first. */
export function writeImageArchive(
  directory: string,
  archive: string,
  image: string,
  layers: readonly string[],
): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
  const names = layers.map((layer, index) => {
    linkSync(layer, `${directory}/${index}.tar`)
    return `${index}.tar`
  })
  const digests = layers.map(
    (layer) => `sha256:${createHash('sha256').update(readFileSync(layer)).digest('hex')}`,
  )
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: digests },
  }
  writeFileSync(`${directory}/config.json`, JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [image], Layers: names }]
  writeFileSync(`${directory}/manifest.json`, JSON.stringify(manifest))
  const members = ['manifest.json', 'config.json', ...names]
  execFileSync('tar', ['-C', directory, '-cf', archive, ...members])
}
