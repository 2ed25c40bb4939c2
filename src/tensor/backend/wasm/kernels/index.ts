/**
 * What the host sees of the kernels.
 */
export { dismiss, launch, launchApart, serve } from './threads'
