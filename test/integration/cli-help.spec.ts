import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program';

/** What `--help` prints, the examples included. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('the help of phi-db', () => {
  const commands = createProgram().commands;

  it('has every command under the names of the documents [000-36]', () => {
    const names = commands.flatMap((command) => [command.name(), ...command.aliases()]);
    const wanted =
      'db:migrate db:rollback db:status db:create-migration db:seed db:start db:stop db:reset ' +
      'migrate seed migrate:up migrate:down migrate:status';
    expect(names).toEqual(expect.arrayContaining(wanted.split(' ')));
  });

  it.each(commands.map((command) => [command.name(), command] as const))('shows an example of %s', (name, command) => {
    expect(helpOf(command)).toMatch(new RegExp(`Examples?:\\n {2}phi-db ${name}`));
    expect(helpOf(command)).toContain('--json');
  });

  it('lists the exit codes', () => {
    expect(helpOf(createProgram())).toMatch(/Exit codes: 0 ok.*75 locked/s);
  });
});
