/**
 * WebGPU as a device: launches are recorded in one pass of commands, which is sent when somebody reads, or when there are many.
 */
import type { Device } from '../device.js'
import { PART, planned } from './plans.js'
import { type Pool, poolOn, type Store } from './pool.js'
import type { Block } from './recorder.js'
import { GROUPS, type Shader, textOf, WORDS } from './shader.js'
import type { Prescribed } from './tiles.js'

/** Numbers that the specification of WebGPU fixes. */
const usage = { mapRead: 0x01, copySource: 0x04, copyTarget: 0x08, uniform: 0x40, storage: 0x80 } as const
const COMPUTE = 0x4
const READ = 0x1

/** Launches after which commands are sent, so that a device has something to do while more is recorded; and the most there are. */
const MANY = 64

/** Groups of bindings that are kept for the next step. */
const KEPT = 8192

interface Resident extends Block {
  readonly store: Store
}

/** What can go wrong on a device is told later; the next read passes it on. */
interface Failure {
  message: string | undefined
}

/** Shaders and their bindings, made when they are first used. */
const pipelinesOn = (device: GPUDevice, words: GPUBuffer) => {
  const layouts = new Map<number, GPUBindGroupLayout>()
  const pipelines = new Map<string, GPUComputePipeline>()
  let groups = new Map<string, GPUBindGroup>()

  const layoutOf = (inputs: number): GPUBindGroupLayout => {
    const known = layouts.get(inputs)
    if (known !== undefined) return known
    const made = device.createBindGroupLayout({
      entries: Array.from({ length: inputs + 2 }, (_, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer:
          binding === 0
            ? { type: 'uniform', hasDynamicOffset: true, minBindingSize: 4 * WORDS }
            : { type: binding <= inputs ? 'read-only-storage' : 'storage' },
      })),
    })
    layouts.set(inputs, made)
    return made
  }

  return {
    pipelineOf: (shader: Shader): GPUComputePipeline => {
      const known = pipelines.get(shader.name)
      if (known !== undefined) return known
      const made = device.createComputePipeline({
        label: shader.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layoutOf(shader.inputs.length)] }),
        compute: {
          module: device.createShaderModule({ label: shader.name, code: textOf(shader) }),
          entryPoint: 'main',
        },
      })
      pipelines.set(shader.name, made)
      return made
    },
    groupOf: (stores: readonly Store[]): GPUBindGroup => {
      const name = stores.map(({ id }) => id).join()
      const known = groups.get(name)
      if (known !== undefined) return known
      const made = device.createBindGroup({
        layout: layoutOf(stores.length - 1),
        entries: [
          { binding: 0, resource: { buffer: words, size: 4 * WORDS } },
          ...stores.map(({ buffer }, i) => ({ binding: i + 1, resource: { buffer } })),
        ],
      })
      if (groups.size >= KEPT) groups = new Map()
      groups.set(name, made)
      return made
    },
  }
}

/** Commands on their way: those of launches, and the parameters that they read. */
const commandsOn = (device: GPUDevice) => {
  const words = device.createBuffer({ size: 4 * WORDS * MANY, usage: usage.uniform | usage.copyTarget })
  const written = new Int32Array(WORDS * MANY)
  const { pipelineOf, groupOf } = pipelinesOn(device, words)
  let encoder: GPUCommandEncoder | undefined
  let pass: GPUComputePassEncoder | undefined
  let launches = 0
  /** How often commands were sent. */
  let sent = 0

  const send = (last?: (encoder: GPUCommandEncoder) => void): void => {
    pass?.end()
    if (last !== undefined) {
      encoder ??= device.createCommandEncoder()
      last(encoder)
    }
    if (launches > 0) device.queue.writeBuffer(words, 0, written, 0, launches * WORDS)
    if (encoder !== undefined) device.queue.submit([encoder.finish()])
    encoder = undefined
    pass = undefined
    launches = 0
    sent++
  }

  return {
    send,
    sent: () => sent,
    record: (shader: Shader, stores: readonly Store[], parameters: readonly number[], groups: number): void => {
      if (launches === MANY) send()
      encoder ??= device.createCommandEncoder()
      pass ??= encoder.beginComputePass()
      written.set(parameters, launches * WORDS)
      for (const { state } of stores) state.sent = sent
      pass.setPipeline(pipelineOf(shader))
      pass.setBindGroup(0, groupOf(stores), [launches * 4 * WORDS])
      pass.dispatchWorkgroups(Math.min(groups, GROUPS), Math.ceil(groups / GROUPS))
      launches++
    },
  }
}

/** The bytes of some numbers, in a buffer that nobody shares. */
const own = (numbers: Float32Array): Float32Array<ArrayBuffer> =>
  numbers.buffer instanceof ArrayBuffer ? (numbers as Float32Array<ArrayBuffer>) : new Float32Array(numbers)

/** A device of WebGPU as one of the GPU backend. */
export const wgslDevice = (device: GPUDevice, prescribed: Prescribed = {}): Device => {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits
  const largestBytes = Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 16) * 16
  // Places are whole numbers of 32 bits with a sign.
  const longest = Math.min(largestBytes / 4, 2 ** 31 - 1)
  const pool = poolOn(device, usage.storage | usage.copySource | usage.copyTarget, largestBytes)
  const answers: Pool = poolOn(device, usage.mapRead | usage.copyTarget, maxBufferSize)
  const commands = commandsOn(device)
  const failure: Failure = { message: undefined }
  device.addEventListener('uncapturederror', (event) => {
    failure.message ??= event.error.message
  })
  void device.lost.then(({ message }) => {
    failure.message ??= `the device was lost: ${message}`
  })

  const take = (length: number, before?: number): Resident => {
    if (length > longest)
      throw new RangeError(
        `a tensor of ${length} numbers was asked for, and this GPU binds ${longest} at once: a smaller physical batch would fit`,
      )
    return { store: pool.take(4 * length, before), length }
  }
  const give = ({ store }: Resident): void => pool.give(store, commands.sent())

  return {
    mode: 'wgsl',
    answersAtOnce: false,
    longest,
    part: PART,
    hasGroups: true,
    upload: (numbers) => {
      // What is written comes before commands that were recorded, so none of these may know the buffer.
      const block = take(numbers.length, commands.sent())
      device.queue.writeBuffer(block.store.buffer, 0, own(numbers))
      return block
    },
    launch: ({ operands, ...job }) =>
      planned<Resident>(
        {
          prescribed,
          take,
          give,
          run: ({ shader, operands: read, out, words, groups }) =>
            commands.record(
              shader,
              [...read, out].map(({ store }) => store),
              words,
              groups,
            ),
        },
        { ...job, operands: operands as readonly Resident[] },
      ),
    read: async (handle) => {
      const { store, length } = (await handle) as Resident
      const bytes = 4 * length
      const answer = answers.take(bytes)
      commands.send((encoder) => encoder.copyBufferToBuffer(store.buffer, 0, answer.buffer, 0, bytes))
      await answer.buffer.mapAsync(READ, 0, bytes).catch((error: unknown) => {
        throw new Error(failure.message ?? String(error))
      })
      const numbers = new Float32Array(answer.buffer.getMappedRange(0, bytes).slice(0))
      answer.buffer.unmap()
      answers.give(answer, Number.POSITIVE_INFINITY)
      if (failure.message !== undefined) throw new Error(failure.message)
      return numbers
    },
    release: (handle) => give(handle as Resident),
    close: () => {
      pool.clear()
      answers.clear()
      device.destroy()
    },
  }
}
