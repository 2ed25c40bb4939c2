/**
 * The inside of a worker: messages in, messages out, and letting the next one in.
 */

interface WorkerScope {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  readonly postMessage: (message: unknown) => void
}

export interface Port<In, Out> {
  readonly listen: (handle: (message: In) => void) => void
  readonly post: (message: Out) => void
}

/** The port of the worker that this runs in. */
export const port = <In, Out>(): Port<In, Out> => {
  const scope = globalThis as unknown as WorkerScope
  return {
    listen: (handle) => {
      scope.onmessage = ({ data }) => handle(data as In)
    },
    post: (message) => scope.postMessage(message),
  }
}

/** Lets messages that have come be handled. A timer would wait 4 ms. */
export const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
