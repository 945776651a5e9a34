import { ANY, predict } from './model';
import { listsOf, type LogEntry, type Observed, type Tree, withLists } from './tree';

/** What a run and the model disagree about, a line each; empty when they agree. */
export function differences(expected: Observed, actual: Observed): string[] {
  const lines: string[] = [];
  const names = new Set([...expected.results.keys(), ...actual.results.keys()]);
  for (const name of names) {
    const [wanted, got] = [expected.results.get(name), actual.results.get(name)];
    if (!agree(wanted, got)) lines.push(`step ${name}: ${wanted ?? 'does not run'} expected, ${got ?? 'did not run'}`);
  }
  if (expected.rows.join() !== actual.rows.join()) {
    lines.push(`rows of the steps [${expected.rows.join()}] expected, [${actual.rows.join()}] stored`);
  }
  for (const [name, wanted] of Object.entries(expected.trail)) {
    const got = actual.trail[name as keyof Observed['trail']];
    if (String(wanted) !== String(got)) lines.push(`trail, ${name}: ${String(wanted)} expected, ${String(got)} found`);
  }
  for (const path of new Set([...expected.log, ...actual.log].map((entry) => entry.path))) {
    const [wanted, got] = [seenFrom(path, expected.log), seenFrom(path, actual.log)];
    if (wanted !== got) lines.push(`hooks of branch '${path}': [${wanted}] expected, [${got}] ran`);
  }
  return lines;
}

function agree(wanted: string | undefined, got: string | undefined): boolean {
  return wanted?.endsWith(ANY) ? got?.startsWith(wanted.slice(0, -ANY.length)) === true : wanted === got;
}

/** The entries whose order is certain for one branch: its own, and those of the branches that it is part of. */
function seenFrom(path: string, log: readonly LogEntry[]): string {
  return log
    .filter((entry) => path === entry.path || path.startsWith(`${entry.path}/`))
    .map((entry) => entry.text.replace(/ because of [^)]*/, ''))
    .join(', ');
}

/**
 * A smaller tree that still differs: steps are left out, and units replaced by what is in them, as long as that helps.
 * @param forMs How long it tries; a tree that hangs takes its time.
 */
export async function shrink(
  tree: Tree,
  run: (tree: Tree) => Promise<Observed>,
  forMs: number,
): Promise<{ readonly tree: Tree; readonly differences: readonly string[] }> {
  let best = { tree, differences: differences(predict(tree), await run(tree)) };
  const end = Date.now() + forMs;
  for (let found = true; found;) {
    found = false;
    for (const candidate of smaller(best.tree)) {
      if (Date.now() > end) return best;
      const lines = differences(predict(candidate), await run(candidate));
      if (lines.length === 0) continue;
      best = { tree: candidate, differences: lines };
      found = true;
      break;
    }
  }
  return best;
}

/** The trees with one step less, or with one step's list in place of the step. */
function* smaller(tree: Tree): Generator<Tree> {
  for (const [i, step] of tree.entries()) {
    const [before, after] = [tree.slice(0, i), tree.slice(i + 1)];
    yield [...before, ...after];
    const lists = listsOf(step);
    if (step.do === 'parallel') for (const list of lists) yield [...before, ...list, ...after];
    for (const [at, list] of lists.entries()) {
      for (const less of smaller(list)) yield [...before, withLists(step, lists.with(at, less)), ...after];
    }
  }
}
