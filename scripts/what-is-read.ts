/**
 * `npx tsx scripts/what-is-read.ts`: prints the table of docs/accounting.md that says what each accountant makes of each kind of
 * event. Its events are ordinary trainings and releases: `properties/laws/what-is-read.ts` lists them.
 */
import { whatIsRead } from '../properties/laws/what-is-read.js'

console.log(whatIsRead())
