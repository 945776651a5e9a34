import 'reflect-metadata';
import { readAppOptions, type ServerOptions } from './app/app.options';
import { seedDemoData } from './app/demo-data';
import { createHttpApplication } from './app/http-application';
import { ConfigurationError, DatabaseError } from './index';

/** Starts the reference application: `npm start`. */
async function main(): Promise<void> {
  const options = readAppOptions(process.env);
  const app = await createHttpApplication(options);
  app.enableShutdownHooks();
  try {
    await app.init();
    const isDemo = await seedDemoData(app);
    await app.listen(options.port, options.host).catch(explainListening(options));
    announce(await app.getUrl(), isDemo);
  } catch (error) {
    await app.close().catch(() => undefined);
    throw error;
  }
}

/** A port in use is the commonest reason not to start, and says what to do. */
function explainListening({ host, port }: ServerOptions): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === 'EADDRINUSE') {
      throw new ConfigurationError(
        `Port ${port} on ${host} is taken`,
        `Stop what listens there, or choose another: PORT=${port + 1} npm start`,
      );
    }
    if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
      throw new ConfigurationError(
        `Port ${port} on ${host} cannot be used (${error.code})`,
        'Choose another PORT or HOST.',
      );
    }
    throw error;
  };
}

function announce(url: string, isDemo: boolean): void {
  console.log(`
Ready: ${url}

  ${url}/docs      what the API can do
  ${url}/health    whether it is well
${isDemo ? tryNext(url) : ''}`);
}

function tryNext(url: string): string {
  return `
In another terminal, as nurse of the demo clinic:

  TOKEN=$(npm run --silent token)
  curl -H "Authorization: Bearer $TOKEN" '${url}/students?limit=3&sort=lastName'
`;
}

main().catch((error: unknown) => {
  const known = error instanceof DatabaseError;
  console.error(known ? `\n${error.code}: ${error.message}\n${error.hint}` : error);
  process.exit(1);
});
