/**
 * The name of what stands behind a mode of the GPU backend in a page.
 */
import type { GpuMode } from '../../src/tensor/backend/gpu/index.js'

/** As much of WebGPU as it takes to ask for a name. */
interface WithGpu {
  readonly gpu: {
    readonly requestAdapter: () => Promise<{
      readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string }
    } | null>
  }
}

export const adapterOf = async (mode: GpuMode): Promise<string> => {
  if (mode === 'cpu' || mode === 'webasm') return 'the CPU'
  if (mode === 'webgpu' || mode === 'wgsl') {
    const info = (await (navigator as unknown as WithGpu).gpu.requestAdapter())?.info
    return info === undefined ? 'none' : `${info.vendor} ${info.architecture} ${info.description}`.trim()
  }
  const context = document.createElement('canvas').getContext('webgl2')
  const named = context?.getExtension('WEBGL_debug_renderer_info')
  return named == null ? 'unknown' : String(context?.getParameter(named.UNMASKED_RENDERER_WEBGL))
}
