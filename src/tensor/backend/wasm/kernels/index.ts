/**
 * What the host sees of the kernels.
 */
export { dismiss, launch, serve } from './threads'
