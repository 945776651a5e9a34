'use strict';

/**
 * npm run docs:failure-modes [-- --check]
 * Writes docs/03-transactions-failure-modes.md: what can go wrong around a transaction, and the tests that hold it off.
 * A test claims a failure mode by its id in its name: `it('is refused … [U03]')`.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { readTests } = require('./requirements.cjs');

const root = join(__dirname, '..', '..');
const document = join('docs', '03-transactions-failure-modes.md');
const bracket = /\[(U\d{2}(?:[\s,]+U\d{2})*)\]/g;

/** What would happen without the rule that the tests hold. */
const modes = {
  'Whose transaction is it?': {
    U01: 'A query on one database runs inside the transaction of another',
    U02: 'findOrCreate, upsert and their like open a transaction of their own; the row survives the rollback',
    U03: 'A statement that comes after its unit settled is autocommitted',
    U04: 'A statement slips in while COMMIT is under way, or while beforeCommit hooks run',
    U05: 'sequelize.transaction() inside a unit takes a second connection',
    U06: 'The callback returns while statements still run, and half of them is committed',
    U07: 'The callback returns an Observable, whose work runs after the commit',
    U08: 'Promise.all inside a unit warns, mixes up the order or takes several connections',
    U09: 'A transaction of another database, or one that has ended, is handed in',
    U10: 'Another request sees, joins or ends this unit',
  },
  'Begin and options': {
    U11: 'A unit without statements takes a connection and begins',
    U12: 'Settings of one transaction reach the next user of the connection',
    U13: 'readOnly blocks no write',
    U14: 'An inner unit asks for more than the open one gives, and is ignored',
    U15: 'MANDATORY or NEVER finds the wrong situation after the callback has run',
    U16: 'A failed BEGIN is taken for an open transaction',
  },
  'Units inside units': {
    U20: 'A joined failure is caught, and the rest is committed',
    U21: 'A savepoint name is used twice, and the wrong level is rolled back',
    U22: 'Sibling savepoints interleave, or the outer unit writes into an inner one',
    U23: 'REQUIRES_NEW waits for a connection that its own chain holds',
    U24: 'Many units hold a connection each and wait for a second one',
    U25: 'A suspended unit takes part in what runs meanwhile',
  },
  'The end': {
    U30: 'After a swallowed SQL error COMMIT is answered by ROLLBACK, and success is reported',
    U31: 'The connection is lost during COMMIT, and the unit is reported as rolled back or run again',
    U32: 'The connection is lost before COMMIT',
    U33: 'A failed COMMIT is masked by the rollback after it',
    U34: 'A failed ROLLBACK masks the error, or gives a dirty connection back',
    U35: 'A timeout leaves the statement running on the server',
    U36: 'An aborted caller leaves its transaction open',
    U37: 'Shutdown waits without end for an open transaction',
    U38: 'The server ends the session: killed, or idle in transaction for too long',
    U39: 'Data and audit trail disagree about what was committed',
  },
  Retry: {
    U40: 'A deadlock or serialisation failure reaches the user',
    U41: 'A retry runs on what is left of the first attempt: its hooks, its rows',
    U42: 'Retries go on beyond the time limit, or hide the original error',
    U43: 'Something is repeated that may already be stored',
  },
  Hooks: {
    U50: 'A hook that throws turns a committed unit into a rejection',
    U51: 'Hooks run for work that was rolled back, before the commit, or twice',
    U52: 'A hook that queries waits for the connection of its own unit',
    U53: 'A failing beforeCommit hook is ignored',
  },
  'Rows and versions': {
    U60: 'Two callers change a row, and one change is lost',
    U61: 'A write path does not raise the version or is not audited',
    U62: 'An undefined or empty filter changes every row',
    U63: 'A bulk write is stored in part',
    U64: 'A deleted row blocks its successor',
    U65: 'Two upserts of one key make two rows',
    U66: 'A page skips or repeats rows, or a count is inflated',
    U67: 'A cursor is forged, or carries values',
    U68: 'One of many batched reads fails or widens the others',
    U69: 'A replica shows what the caller has just changed as it was before',
    U70: 'After a rollback an object claims to be stored',
    U71: 'A write has no actor',
    U72: 'An error, a log or a name carries a value of a record',
  },
  'Libraries and network': {
    U80: 'The schema is synchronised from the models, or a bad host still boots',
    U81: 'A dead or lost connection stays in the pool, or its slot is lost',
    U82: 'A peer that never answers hangs the caller',
    U83: 'A failing connection to a replica ends the process',
    U84: 'Class fields shadow the attributes of a model',
    U85: 'Tests of an application leave rows behind',
  },
};

/** @returns {Record<string, { file: string, name: string }[]>} Tests by failure mode. */
function claims(tests = readTests(bracket)) {
  const byMode = {};
  const plain = (title) => title.replaceAll(/\s*\[[^\]]*\]/g, '').trim();
  for (const { file, name, group = '', ids } of tests) {
    const whole = `${plain(group)} ${plain(name)}`.trim();
    for (const id of ids) (byMode[id] ??= []).push({ file, name: whole });
  }
  return byMode;
}

/** The document as text. */
function render(byMode = claims()) {
  const cell = ({ file, name }) =>
    `${name.replaceAll('|', '\\|')} ([${file.split('/').at(-1).replace('.spec.ts', '')}](../${file}))`;
  const lines = [
    '# Failure modes and their tests',
    '',
    'Generated by `npm run docs:failure-modes` from the names of the tests; see [transactions](03-transactions.md).',
  ];
  for (const [section, entries] of Object.entries(modes)) {
    lines.push('', `## ${section}`, '', '| | Without the rule | Test |', '| --- | --- | --- |');
    for (const [id, text] of Object.entries(entries)) {
      lines.push(`| ${id} | ${text} | ${(byMode[id] ?? []).map(cell).join('<br>')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function main(args) {
  const text = render();
  const path = join(root, document);
  if (!args.includes('--check')) {
    writeFileSync(path, text);
    console.log(`Wrote ${document}.`);
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${document} is not what the tests say. Run npm run docs:failure-modes.`);
    process.exitCode = 1;
  }
}

module.exports = { modes, claims, render, document };

if (require.main === module) main(process.argv.slice(2));
