/** Shrinks a failing scenario: fewer rounds, operations, layers and options, while it still fails. */
import type { Operation } from './operation.js'
import type { Scenario } from './scenario.js'

/** Whether a scenario fails in the way that is looked for. */
export type Fails = (scenario: Scenario) => Promise<boolean>

class Minimiser {
  scenario: Scenario
  readonly #fails: Fails
  #attemptsLeft: number

  constructor(scenario: Scenario, fails: Fails, attempts: number) {
    this.scenario = scenario
    this.#fails = fails
    this.#attemptsLeft = attempts
  }

  /** Take a smaller scenario over if it still fails. */
  async try(smaller: Scenario): Promise<boolean> {
    if (this.#attemptsLeft-- <= 0 || !(await this.#fails(smaller))) return false
    this.scenario = smaller
    return true
  }

  /** Remove ever smaller pieces of one script. */
  async script(
    get: (scenario: Scenario) => readonly Operation[] | undefined,
    set: (scenario: Scenario, script: readonly Operation[]) => Scenario,
  ): Promise<void> {
    const length = get(this.scenario)?.length ?? 0
    for (let size = Math.max(1, length >> 1); size >= 1; size >>= 1) {
      let at = 0
      for (;;) {
        const script = get(this.scenario)
        if (script === undefined || at >= script.length) break
        const smaller = [...script.slice(0, at), ...script.slice(at + size)]
        if (!(await this.try(set(this.scenario, smaller)))) at += size
      }
    }
  }
}

function withLower(scenario: Scenario, index: number, script: readonly Operation[]): Scenario {
  return { ...scenario, lowers: scenario.lowers.map((was, i) => (i === index ? script : was)) }
}

function withRound(scenario: Scenario, index: number, script: readonly Operation[]): Scenario {
  const rounds = scenario.rounds.map((round, i) => (i === index ? { ...round, script } : round))
  return { ...scenario, rounds }
}

async function dropWholes(minimiser: Minimiser): Promise<void> {
  for (let index = minimiser.scenario.rounds.length - 1; index >= 0; index--) {
    const { rounds } = minimiser.scenario
    if (rounds.length === 1) break
    await minimiser.try({ ...minimiser.scenario, rounds: rounds.filter((_, i) => i !== index) })
  }
  for (let index = minimiser.scenario.lowers.length - 1; index >= 0; index--) {
    const { lowers } = minimiser.scenario
    if (lowers.length === 1) break
    await minimiser.try({ ...minimiser.scenario, lowers: lowers.filter((_, i) => i !== index) })
  }
  for (const option of minimiser.scenario.options.split(',')) {
    const options = minimiser.scenario.options
      .split(',')
      .filter((word) => word !== option)
      .join(',')
    await minimiser.try({ ...minimiser.scenario, options })
  }
}

/** Return the smallest failing scenario found within a number of attempts. */
export async function minimise(
  scenario: Scenario,
  fails: Fails,
  attempts = 600,
): Promise<Scenario> {
  const minimiser = new Minimiser(scenario, fails, attempts)
  for (let pass = 0; pass < 2; pass++) {
    await dropWholes(minimiser)
    for (let index = 0; index < minimiser.scenario.rounds.length; index++) {
      await minimiser.script(
        (now) => now.rounds[index]?.script,
        (now, script) => withRound(now, index, script),
      )
    }
    await minimiser.script(
      (now) => now.upper,
      (now, upper) => ({ ...now, upper }),
    )
    for (let index = 0; index < minimiser.scenario.lowers.length; index++) {
      await minimiser.script(
        (now) => now.lowers[index],
        (now, script) => withLower(now, index, script),
      )
    }
  }
  return minimiser.scenario
}
