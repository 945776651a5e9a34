/** Not SIGHUP: listening to it would undo nohup. A server that is left behind is taken over at the next start. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

interface Stoppable {
  /** Used when the process may still wait. */
  stop(): Promise<void>;
  /** Used while the process exits: nothing can be awaited any more. */
  stopNow(): void;
}

const open = new Set<Stoppable>();
let listening = false;

/**
 * Stops the server with this process, however that ends, short of SIGKILL.
 * On a signal the application's own listeners come first: then the exit does the work. Where there are none, the
 * server is stopped and the signal is raised again, so that the process ends as if nobody had listened.
 * @returns A function that takes the server off the list.
 */
export function stopWithProcess(server: Stoppable): () => void {
  open.add(server);
  if (!listening) {
    listening = true;
    process.on('exit', stopAllNow);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  return () => {
    open.delete(server);
    if (open.size > 0) return;
    listening = false;
    process.off('exit', stopAllNow);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

function stopAllNow(): void {
  for (const server of open) server.stopNow();
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  void Promise.allSettled([...open].map((server) => server.stop())).then(() => {
    process.off(signal, onSignal);
    process.kill(process.pid, signal);
  });
}
