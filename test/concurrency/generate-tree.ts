import type { Propagation } from '../../src';
import { seededRandom, type SeededRandom } from '../support/seeded-random';
import { connectionsOf, HOOKS, type Step, type Tree, WAYS } from './tree';

/** Where a step stands; decides what may stand there so that the outcome does not hang on timing. */
interface Spot {
  readonly depth: number;
  /**
   * The unit that a statement here runs in: none, one that this chain has to itself (settled or not), or one shared
   * with branches that run at the same time.
   */
  readonly unit: 'none' | 'own' | 'shared';
  /** How many calls are around. */
  readonly calls: number;
  /** True directly inside a branch or a hook: what is left behind there would outlive the list it is in. */
  readonly tidy: boolean;
  /** True in what runs late: other branches may be anywhere. */
  readonly late: boolean;
  /** True inside a hook. */
  readonly hook: boolean;
}

const PROPAGATIONS: readonly Propagation[] = [
  'REQUIRED',
  'REQUIRED',
  'NESTED',
  'NESTED',
  'REQUIRES_NEW',
  'SUPPORTS',
  'NOT_SUPPORTED',
  'MANDATORY',
  'NEVER',
];

/** findOrCreate would find the row that the others stumble over. */
const FAILING_WAYS = WAYS.filter((way) => way !== 'findOrCreate');

/** A tree is kept small enough for many to run on one pool. */
const MAX_CONNECTIONS = 6;

/** One of the random trees that belong to a seed. The same seed and index give the same tree. */
export function generateTree(seed: number, index: number): Tree {
  for (let attempt = 0; ; attempt += 1) {
    const tree = new Generator(
      seededRandom(Math.imul(seed, 0x9e3779b1) + Math.imul(index, 0x85ebca6b) + attempt),
    ).tree();
    if (connectionsOf(tree) <= MAX_CONNECTIONS) return tree;
  }
}

class Generator {
  private ids = 0;

  constructor(private readonly random: SeededRandom) {}

  tree(): Tree {
    const spot: Spot = { depth: 0, unit: 'none', calls: 0, tidy: false, late: false, hook: false };
    // A unit at the top in most: lone statements alone are dull.
    if (this.chance(15)) return this.list(spot, 3);
    return [this.unit(spot), ...(this.chance(30) ? this.list(spot, 1) : [])];
  }

  private list(spot: Spot, most: number): Step[] {
    const steps: Step[] = [];
    const wanted = Math.max(this.random.below(most + 1), this.random.below(most + 1));
    for (let i = 0; i < wanted; i += 1) {
      const step = this.step(spot, i === wanted - 1);
      steps.push(step);
      if (step.do === 'throw') break;
      if (step.do === 'abandon') {
        // Another savepoint would wait for the abandoned one, which waits for the end of this list.
        if (this.chance(60)) steps.push(this.write());
        if (this.chance(40)) steps.push({ ...this.common(), do: 'throw', caught: false });
        break;
      }
    }
    return steps;
  }

  private step(spot: Spot, last: boolean): Step {
    const shallow = spot.depth < 4;
    const lonely = spot.unit !== 'shared';
    const choices: [number, () => Step][] = [
      [6, () => this.write()],
      [lonely ? 1 : 0, () => ({ ...this.common(), do: 'fail', way: this.random.pick(FAILING_WAYS) })],
      [lonely ? 0.25 : 0, () => ({ ...this.common(), do: 'bomb' })],
      [last ? 2.5 : 0.3, () => ({ ...this.common(), do: 'throw', caught: false })],
      [spot.unit === 'none' ? 0.3 : 5, () => this.hook(spot)],
      [shallow ? (spot.hook ? 9 : 6) : 0, () => this.unit(spot)],
      [shallow ? 0.7 : 0, () => this.outside(spot)],
      [shallow && !spot.hook ? 1.2 : 0, () => this.parallel(spot)],
      [spot.calls > 1 && !spot.late && !spot.hook ? 0.8 : 0, () => this.furtherOut(spot)],
      [spot.calls > 0 && !spot.tidy ? 1 : 0, () => this.straggle(spot)],
      [spot.calls > 0 && !spot.tidy && lonely && shallow ? 0.8 : 0, () => this.abandon(spot)],
      [last && spot.calls > 0 && !spot.tidy && lonely ? 1 : 0, () => ({ ...this.common(), do: 'float', caught: true })],
    ];
    let at = (this.random.below(10_000) / 10_000) * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of choices) {
      at -= weight;
      if (at < 0) return make();
    }
    return this.write();
  }

  private write(): Step {
    return { ...this.common(), do: 'write', way: this.random.pick(WAYS) };
  }

  private unit(spot: Spot): Step {
    const propagation = this.propagation(spot);
    const inner = this.inside(spot, propagation);
    if (propagation === 'NESTED' && spot.depth < 3 && this.chance(25)) return this.nestedTwice(inner);
    return { ...this.common(), do: 'unit', propagation, body: this.list(inner, 5) };
  }

  /** A savepoint that is rolled back after another one inside it has ended: whose name is whose must not be mixed up. */
  private nestedTwice(spot: Spot): Step {
    const body = [
      this.write(),
      this.nested(this.inside(spot, 'NESTED'), 2),
      { ...this.common(), do: 'throw', caught: false } as const,
    ];
    return { ...this.common(), do: 'unit', propagation: 'NESTED', body, caught: true };
  }

  private nested(spot: Spot, most: number): Step {
    return { ...this.common(), do: 'unit', propagation: 'NESTED', body: this.list(spot, most), caught: true };
  }

  private outside(spot: Spot): Step {
    const inner: Spot = { ...spot, depth: spot.depth + 1, unit: 'none', calls: spot.calls + 1, tidy: false };
    return { ...this.common(), do: 'outside', body: this.list(inner, 3) };
  }

  private hook(spot: Spot): Step {
    // Which of two branches registers first is open: their hooks do nothing that the others could notice.
    const shared = spot.unit === 'shared';
    const on = this.random.pick(HOOKS);
    const unit = on === 'beforeCommit' ? 'own' : 'none';
    const inner: Spot = { ...spot, depth: spot.depth + 2, unit, calls: 0, tidy: true, hook: true };
    return { ...this.common(), do: 'hook', on, body: shared || this.chance(50) ? [] : this.hookBody(inner) };
  }

  private hookBody(spot: Spot): Tree {
    return this.chance(20) ? [this.nested(this.inside(spot, 'NESTED'), 2)] : this.list(spot, 2);
  }

  private parallel(spot: Spot): Step {
    const width = 2 + this.random.below(2);
    const inner: Spot = { ...spot, depth: spot.depth + 1, tidy: true };
    const queued = spot.unit === 'own' && this.chance(50);
    const branches = Array.from({ length: width }, (): Tree => {
      if (!queued) return this.list({ ...inner, unit: spot.unit === 'own' ? 'shared' : spot.unit }, 3);
      // Savepoints side by side queue in the order of the calls; nothing else may be sent on the unit meanwhile.
      return [
        { ...this.common(), do: 'unit', propagation: 'NESTED', body: this.list(this.inside(inner, 'NESTED'), 4) },
      ];
    });
    return { ...this.common(), do: 'parallel', branches };
  }

  private straggle(spot: Spot): Step {
    const inner: Spot = { ...spot, depth: spot.depth + 1, tidy: true, late: true };
    return { ...this.common(), do: 'straggle', body: this.list(inner, 2), caught: true };
  }

  private abandon(spot: Spot): Step {
    const propagation = this.random.pick([
      'REQUIRED',
      'NESTED',
      'NESTED',
      'SUPPORTS',
      'REQUIRES_NEW',
      'NOT_SUPPORTED',
    ] as const);
    const inner: Spot = { ...this.inside(spot, propagation), tidy: true };
    return {
      ...this.common(),
      do: 'abandon',
      propagation,
      body: this.list(inner, 2),
      after: this.list({ ...inner, late: true }, 2),
      caught: true,
    };
  }

  private furtherOut(spot: Spot): Step {
    return { ...this.common(), do: 'write further out', levels: 1 + this.random.below(spot.calls - 1) };
  }

  private inside(spot: Spot, propagation: Propagation): Spot {
    const alone = propagation === 'NOT_SUPPORTED' || propagation === 'NEVER';
    const joins = propagation === 'REQUIRED' || propagation === 'SUPPORTS' || propagation === 'MANDATORY';
    let unit: Spot['unit'] = 'own';
    if (alone || (propagation === 'SUPPORTS' && spot.unit === 'none')) unit = 'none';
    else if (joins && spot.unit !== 'none') unit = spot.unit;
    return { ...spot, depth: spot.depth + 1, unit, calls: spot.calls + 1, tidy: false };
  }

  private propagation(spot: Spot): Propagation {
    // A savepoint would refuse the statements of the other branches, depending on who comes first.
    return this.random.pick(
      spot.unit === 'shared' ? PROPAGATIONS.filter((propagation) => propagation !== 'NESTED') : PROPAGATIONS,
    );
  }

  private common(): { id: number; caught: boolean } {
    this.ids += 1;
    return { id: this.ids, caught: this.chance(65) };
  }

  private chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }
}
