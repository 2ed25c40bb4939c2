/**
 * A product in WGSL whose threads keep 8 × 4 cells in registers, which a kernel of gpu.js, one cell a thread, cannot: what is
 * lost by that is the ratio of the two.
 */
import type { Times } from './times.js'

/** c = a·b for square matrices whose extent is a multiple of 64. */
const shader = (extent: number): string => `
@group(0) @binding(0) var<storage, read> a : array<f32>;
@group(0) @binding(1) var<storage, read> b : array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> c : array<vec4<f32>>;
const extent : u32 = ${extent}u;
const columns : u32 = ${extent / 4}u;
@compute @workgroup_size(16, 8)
fn main(@builtin(global_invocation_id) id : vec3<u32>) {
  let row = id.y * 8u;
  var sum : array<vec4<f32>, 8>;
  for (var k = 0u; k < extent; k++) {
    let right = b[k * columns + id.x];
    for (var i = 0u; i < 8u; i++) { sum[i] += a[(row + i) * extent + k] * right; }
  }
  for (var i = 0u; i < 8u; i++) { c[(row + i) * columns + id.x] = sum[i]; }
}`

/** As much of WebGPU as one product needs. */
interface Gpu {
  readonly requestAdapter: () => Promise<{ readonly requestDevice: () => Promise<GpuDevice> } | null>
}
interface GpuBuffer {
  readonly mapAsync: (mode: number) => Promise<void>
  readonly getMappedRange: () => ArrayBuffer
  readonly unmap: () => void
}
interface Pass {
  readonly setPipeline: (pipeline: unknown) => void
  readonly setBindGroup: (index: number, group: unknown) => void
  readonly dispatchWorkgroups: (x: number, y: number) => void
  readonly end: () => void
}
interface Encoder {
  readonly beginComputePass: () => Pass
  readonly copyBufferToBuffer: (from: GpuBuffer, at: number, to: GpuBuffer, toAt: number, bytes: number) => void
  readonly finish: () => unknown
}
interface GpuDevice {
  readonly createShaderModule: (source: { readonly code: string }) => unknown
  readonly createComputePipeline: (made: unknown) => { readonly getBindGroupLayout: (index: number) => unknown }
  readonly createBuffer: (made: { readonly size: number; readonly usage: number }) => GpuBuffer
  readonly createBindGroup: (made: unknown) => unknown
  readonly createCommandEncoder: () => Encoder
  readonly queue: {
    readonly writeBuffer: (buffer: GpuBuffer, at: number, data: Float32Array) => void
    readonly submit: (commands: readonly unknown[]) => void
  }
  readonly destroy: () => void
}

/** Numbers that the specification of WebGPU fixes. */
const usage = { storage: 0x80, copySource: 0x04, copyTarget: 0x08, mapRead: 0x01 } as const

/** As many products as the other kernels are timed with, with one number read at the end; undefined without WebGPU. */
export const registerTileTimes = async (extent: number, rounds: number): Promise<Times | undefined> => {
  const chain = 8
  const adapter = await (navigator as unknown as { readonly gpu?: Gpu }).gpu?.requestAdapter()
  if (adapter == null) return undefined
  const device = await adapter.requestDevice()
  const module = device.createShaderModule({ code: shader(extent) })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
  const matrix = (): GpuBuffer =>
    device.createBuffer({ size: 4 * extent ** 2, usage: usage.storage | usage.copySource | usage.copyTarget })
  const [right, ...products] = [matrix(), matrix(), matrix()] as const
  const answer = device.createBuffer({ size: 4, usage: usage.mapRead | usage.copyTarget })
  device.queue.writeBuffer(
    right,
    0,
    Float32Array.from({ length: extent ** 2 }, (_, i) => Math.sin(i) / extent),
  )
  const group = (left: GpuBuffer, out: GpuBuffer): unknown =>
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [left, right, out].map((buffer, binding) => ({ binding, resource: { buffer } })),
    })
  const work = async (): Promise<void> => {
    const encoder = device.createCommandEncoder()
    let left = right
    for (let i = 0; i < chain; i++) {
      const out = products[i % 2] as GpuBuffer
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group(left, out))
      pass.dispatchWorkgroups(extent / 64, extent / 64)
      pass.end()
      left = out
    }
    encoder.copyBufferToBuffer(left, 0, answer, 0, 4)
    device.queue.submit([encoder.finish()])
    await answer.mapAsync(1)
    answer.unmap()
  }
  const once = async (): Promise<number> => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const first = await once()
  const later: number[] = []
  for (let round = 0; round < rounds; round++) later.push(await once())
  device.destroy()
  return {
    what: `${chain} products of ${extent} in WGSL, 8 × 4 cells a thread`,
    first,
    rounds: later,
    flops: chain * 2 * extent ** 3,
  }
}
