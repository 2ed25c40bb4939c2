/**
 * The commands of `fp-dp`: one line each.
 */
import { auditCommand } from './commands/audit.js'
import { calibrateCommand } from './commands/calibrate.js'
import { compareCommand } from './commands/compare.js'
import { curveCommand } from './commands/curve.js'
import { dataCommands } from './commands/data.js'
import { epsilonCommand } from './commands/epsilon.js'
import { experimentCommand } from './commands/experiment.js'
import { reportCommand } from './commands/report.js'
import { trainCommand } from './commands/train.js'
import { validateCommand } from './commands/validate.js'
import type { Program } from './program.js'

export const fpDp = (version: string): Program => ({
  name: 'fp-dp',
  summary: 'Differentially private learning: what a training spends, how much noise it needs, and the training itself.',
  version,
  commands: [
    epsilonCommand,
    calibrateCommand,
    compareCommand,
    curveCommand,
    auditCommand,
    reportCommand,
    validateCommand,
    trainCommand,
    experimentCommand,
    dataCommands,
  ],
})
