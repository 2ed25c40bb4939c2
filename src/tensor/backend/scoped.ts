/**
 * Operations of a backend whose tensors live in scopes.
 */

/** Where temporaries live. */
interface Scopes {
  readonly isOpen: () => boolean
  readonly scope: <A>(body: () => A) => A
}

/**
 * The same operations; outside of scopes, each is a scope of its own.
 *
 * @internal
 */
export const scopedOperations = <Operations extends object>(
  { isOpen, scope }: Scopes,
  operations: Operations,
): Operations =>
  Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => {
      const run = operation as (...args: readonly unknown[]) => unknown
      return [name, (...args: readonly unknown[]) => (isOpen() ? run(...args) : scope(() => run(...args)))]
    }),
  ) as Operations
