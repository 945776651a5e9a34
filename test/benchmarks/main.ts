import { parseArgs } from 'node:util';
import { measureAll, type Plan } from './measure';
import { ourPeers } from './ours';
import { rawPeers } from './raw-pg';
import { printTable } from './report';
import { sequelizePeers } from './plain-sequelize';
import { startBenchmarkDatabase } from './database';
import { expectEqualResults } from './work';

const USAGE = `Peers on the same work, interleaved round by round: raw pg, plain Sequelize, and ours.

  npm run bench -- [--quick] [--json]

  --quick   fewer rows and shorter rounds, under a minute
  --json    one line of JSON a result on stdout; the table goes to stderr`;

const QUICK: Plan = { rows: 2_000, rounds: 5, roundMs: 250, warmupMs: 400, concurrency: 32 };
const FULL: Plan = { rows: 20_000, rounds: 8, roundMs: 1_000, warmupMs: 2_000, concurrency: 32 };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) return void process.stdout.write(`${USAGE}\n`);
  const plan = values.quick ? QUICK : FULL;
  const database = await startBenchmarkDatabase(plan.rows);
  try {
    const peers = [...rawPeers(database), ...sequelizePeers(database), ...(await ourPeers(database))];
    try {
      await expectEqualResults(peers, database);
      process.stderr.write('Results of all peers are equal.\n');
      const results = await measureAll(peers, database, plan, (line) => process.stderr.write(`${line}\n`));
      if (values.json) for (const result of results) process.stdout.write(`${JSON.stringify(result)}\n`);
      printTable(results, values.json ? process.stderr : process.stdout);
    } finally {
      for (const peer of new Set(peers.map(({ close }) => close))) await peer();
    }
  } finally {
    await database.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
