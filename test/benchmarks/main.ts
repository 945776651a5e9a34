import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openBenchmarkDatabase } from './database';
import { FULL, QUICK } from './measure';
import { type Operation, OPERATIONS } from './operations';
import { openPeers } from './peers/open-peers';
import { POOL_SIZE, type Protections } from './peers/peer';
import { printTable, toResults, toVerdicts } from './report';
import { runCells } from './run-cells';
import { expectSameResults } from './same-results';

const USAGE = `Peers on the same work, interleaved round by round: raw pg, plain Sequelize, and ours.

  npm run bench -- [--quick] [--json] [--only OPERATION]

  --quick   fewer rows and shorter rounds, under a minute
  --json    one JSON object a line: the machine, each result, each verdict
  --only    one of: ${OPERATIONS.join(', ')}; may be repeated`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [...OPERATIONS] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const strange = values.only.find((name) => !OPERATIONS.includes(name as Operation));
  if (strange) throw new Error(`There is no operation "${strange}".\n${USAGE}`);
  const plan = values.quick ? QUICK : FULL;
  const database = await openBenchmarkDatabase(plan.rows);
  try {
    const peers = await openPeers(database.server);
    try {
      for (const protections of ['off', 'on'] as Protections[]) {
        const same = peers.all.filter((peer) => peer.protections === protections);
        await expectSameResults(same[0]!, same, database.ids[protections]);
      }
      console.error('Results of all peers are equal.');
      const cells = await runCells(database, peers.all, values.only as Operation[], plan);
      const machine = {
        node: process.version,
        postgres: database.version,
        cpus: cpus().length,
        pool: POOL_SIZE,
        ...plan,
      };
      const report = { machine, results: toResults(cells), verdicts: toVerdicts(cells) };
      if (values.json)
        for (const line of [machine, ...report.results, ...report.verdicts]) console.log(JSON.stringify(line));
      else printTable(report);
    } finally {
      await peers.close();
    }
  } finally {
    await database.close();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
