/**
 * What Node has and browsers do not, asked for when a file is touched. Bundlers see no import of it, so that a page which never
 * touches a file can be built from the whole library.
 */

/** The modules that are used. */
interface NodeModules {
  readonly 'node:crypto': typeof import('node:crypto')
  readonly 'node:fs': typeof import('node:fs')
  readonly 'node:fs/promises': typeof import('node:fs/promises')
  readonly 'node:path': typeof import('node:path')
}

/**
 * A module of Node.
 *
 * @throws Error on a host that does not have it
 * @internal
 */
export const nodeModule = <Name extends keyof NodeModules>(name: Name): NodeModules[Name] => {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const found = process?.getBuiltinModule?.(name)
  if (found === undefined) throw new Error(`${name} is a module of Node, which this host does not have`)
  return found as NodeModules[Name]
}
