/**
 * What a gradient costs, layer by layer: the operations that a plan asks of a backend, counted as they run.
 */
import type { LayerWork } from '../tensor/backend/backend.js'
import { defaultBackend } from '../tensor/backend/default.js'
import { full, storageOf } from '../tensor/tensor.js'
import { leaves, namedLeaves, type Tree, treeSize } from '../tensor/tree.js'
import type { Batch } from './batch.js'
import type { NormWay } from './cost.js'
import type { LayerRule } from './layer.js'
import type { Loss } from './losses/loss.js'
import { addCosts, type Cost, noCost, observed } from './operation-cost.js'
import { type GradientOptions, type Plan, partsOf, withPerSampleGradients } from './per-sample.js'

/** The passes of a clipped sum: outputs, cotangents, norms of the gradients, their weighted sum. */
export type Pass = 'forward' | 'backward' | 'norm' | 'sum'

const passes: readonly Pass[] = ['forward', 'backward', 'norm', 'sum']

/** A layer's share of a clipped sum. */
export interface LayerCost {
  /** The path of its parameters in the model's, or of those of the layers around it. */
  readonly place: string
  readonly layer: string
  readonly parameters: number
  /** The way to the norm that the cost model chose, where the plan left it the choice. */
  readonly way?: NormWay
  readonly costs: Readonly<Record<Pass, Cost>>
}

/** The cost of a clipped sum. */
export interface Explanation {
  readonly plan: Plan
  /** Samples of the batch, and the parts in which it goes through; costs are of the first part, the largest. */
  readonly samples: number
  readonly parts: number
  readonly samplesOfPart: number
  readonly parameters: number
  /** In the order of the way forward. */
  readonly layers: readonly LayerCost[]
  readonly total: Readonly<Record<Pass, Cost>>
}

interface Row {
  readonly place: string
  readonly layer: string
  readonly parameters: number
  way?: NormWay
  readonly costs: Record<Pass, Cost>
}

const nothing = (): Record<Pass, Cost> => ({ forward: noCost, backward: noCost, norm: noCost, sum: noCost })

const commonPath = (paths: readonly string[]): string => {
  const [first = [], ...rest] = paths.map((path) => path.split('.'))
  const length = first.findIndex((segment, at) => rest.some((other) => other[at] !== segment))
  return (length < 0 ? first.slice(0, rest.length === 0 ? -1 : undefined) : first.slice(0, length)).join('.')
}

/**
 * FLOPs, bytes and the chosen norm of each layer, for the clipped sum of a batch. One part of the batch is computed, and its
 * operations are counted by the layer that asks for them; what two readings share counts for the one that asks first.
 *
 *   bytes moved = Σ operands + result      bytes held = Σ results, which an arena keeps until the end of a pass
 *
 * Cost  that of the clipped sum of one part
 *
 * @example
 * const model = linear(5, { bias: false })
 * const { params } = model.init(key(0), [2, 3])
 * const batch = { input: zeros([4, 2, 3]), target: zeros([4, 2, 5]) }
 * explain(meanSquaredError, model)(params, batch).total.forward.flops // => 2 * 4 * 2 * 3 * 5
 */
export const explain = <P extends Tree, C>(
  loss: Loss,
  model: LayerRule<P, C>,
  options: GradientOptions = {},
): ((params: P, batch: Batch) => Explanation) => {
  const { backend = defaultBackend(), plan = 'bookKeeping' } = options
  const cut = partsOf(model, options)
  return (params, batch) => {
    const parts = cut(params, batch)
    const [part] = parts
    const samplesOfPart = part.input.shape[0] as number
    const paths = new Map(namedLeaves(params).map(({ path, leaf }) => [storageOf(leaf), path]))
    const rows = new Map<string, Row>()
    const around: { readonly row: Row; readonly pass: Pass }[] = []
    let pass: Pass = 'forward'

    const rowOf = (layer: string, own: Tree): Row => {
      const known = [...new Set(leaves(own).flatMap((leaf) => paths.get(storageOf(leaf)) ?? []))]
      const place = known.length > 0 ? commonPath(known) : (around.at(-1)?.row.place ?? '')
      const name = `${place}: ${layer}`
      const row = rows.get(name) ?? { place, layer, parameters: treeSize(own), costs: nothing() }
      rows.set(name, row)
      return row
    }
    const within = <A>({ layer, params: own, reading, norm }: LayerWork, body: () => A): A => {
      const row = rowOf(layer, own)
      if (norm !== undefined && (reading === 'norm' || reading === 'sum')) row.way = norm as NormWay
      const asked = around.findLast(({ row: other }) => other === row)?.pass ?? 'norm'
      around.push({ row, pass: reading === 'gradients' ? asked : reading })
      try {
        return body()
      } finally {
        around.pop()
      }
    }
    const watching = observed(backend, {
      begin: () => {
        rows.clear()
        pass = 'forward'
      },
      within,
      operation: (cost) => {
        const at = around.at(-1)
        const row = at?.row ?? rowOf('between layers', {})
        const of = at?.pass ?? pass
        row.costs[of] = addCosts(row.costs[of], cost)
      },
    })
    withPerSampleGradients(loss, model, { ...options, backend: watching })(params, part, (gradients) => {
      pass = 'norm'
      gradients.squaredNorm()
      pass = 'sum'
      gradients.weightedSum(full(1, [samplesOfPart], 'float64'))
    })
    const layers = [...rows.values()].filter(({ costs }) => passes.some((p) => costs[p].moved > 0))
    const total = nothing()
    for (const { costs } of layers) for (const p of passes) total[p] = addCosts(total[p], costs[p])
    const samples = batch.input.shape[0] as number
    return { plan, samples, parts: parts.length, samplesOfPart, parameters: treeSize(params), layers, total }
  }
}

/** A quantity in three digits. */
const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

/** A composition by its kind, without what it is composed of. */
const shortened = (layer: string): string => (layer.length > 28 ? layer.replace(/\(.*\)$/, '(…)') : layer)

const columns = ['norm', 'forward', 'backward', 'norms', 'sum', 'moved', 'held'] as const

/**
 * An explanation as a table: MFLOP of each pass, MiB that went through memory and MiB of results.
 *
 * @example
 * const model = sequential(linear(4), relu, linear(2))
 * const { params } = model.init(key(0), [3])
 * showExplanation(explain(crossEntropy, model)(params, { input: zeros([8, 3]), target: zeros([8], 'int32') })).includes('rank one') // => true
 */
export const showExplanation = ({
  plan,
  samples,
  parts,
  samplesOfPart,
  parameters,
  layers,
  total,
}: Explanation): string => {
  const cells = (costs: Readonly<Record<Pass, Cost>>): readonly string[] => {
    const sum = passes.map((p) => costs[p]).reduce(addCosts)
    return [...passes.map((p) => costs[p].flops / 1e6), sum.moved / 2 ** 20, sum.held / 2 ** 20].map(digits)
  }
  const lines = [
    ['layer', 'parameters', ...columns],
    ...layers.map(({ place, layer, parameters: own, way, costs }) => [
      `${place === '' ? '' : `${place}: `}${shortened(layer)}`,
      `${own}`,
      way ?? '',
      ...cells(costs),
    ]),
    ['all', `${parameters}`, '', ...cells(total)],
  ]
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => (line[at] as string).length))) as number[]
  const cut = parts === 1 ? '' : `, in ${parts} parts, of which the first has ${samplesOfPart}`
  return [
    `${plan}, ${samples} samples${cut}: MFLOP of each pass, MiB moved and held`,
    ...lines.map((line) =>
      line
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number)))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n')
}
