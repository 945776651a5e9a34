import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Where the wire is cut, counted from the client's side. */
export type CutPoint =
  /** The message never reaches the server. */
  | 'before'
  /** The server has done what the message says, and its answer is lost. */
  | 'after answer';

/** A TCP proxy in front of PostgreSQL that loses connections at chosen messages. Close it in `afterAll`. */
export interface FaultProxy {
  readonly port: number;
  /**
   * Cuts the next connection that sends `text`.
   * @param answer For 'after answer': what the server's answer contains, for example the tag `COMMIT`.
   */
  cutOn(text: string, point: CutPoint, answer?: string): void;
  /** From now on nothing passes, in either direction, and nothing is closed: a half-open peer. */
  stall(): void;
  /** Ends the stall; what was sent meanwhile is lost. */
  resume(): void;
  close(): Promise<void>;
}

interface Trap {
  readonly text: string;
  readonly point: CutPoint;
  readonly answer: string;
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let trap: Trap | undefined;
  let stalled = false;

  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let waitingFor: string | undefined;
    let answered = '';
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (chunk) => {
      if (stalled) return;
      if (trap && chunk.includes(trap.text)) {
        const { point, answer } = trap;
        trap = undefined;
        if (point === 'before') return cut();
        waitingFor = answer;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (stalled) return;
      if (waitingFor === undefined) {
        client.write(chunk);
        return;
      }
      answered += chunk.toString('latin1');
      if (answered.includes(waitingFor)) cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    cutOn: (text, point, answer = text) => {
      trap = { text, point, answer };
    },
    stall: () => {
      stalled = true;
    },
    resume: () => {
      stalled = false;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
