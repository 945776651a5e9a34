import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres';

/**
 * An application on the embedded server, as a process of its own: `embedded-process.ts DIR [exit]`. It prints how to
 * reach the server as one line of JSON and then waits to be ended; with `exit` it ends by itself.
 */
async function main(dir: string, mode: string | undefined): Promise<void> {
  const { stop: _stop, ...server } = await startEmbeddedPostgres({ dir });
  process.stdout.write(`${JSON.stringify(server)}\n`, () => {
    if (mode === 'exit') process.exit(0);
  });
  process.stdin.resume();
}

main(process.argv[2] ?? '', process.argv[3]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
