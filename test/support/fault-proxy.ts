import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Where the wire is cut, counted from the client's side. */
export type CutPoint =
  /** The message never reaches the server. */
  | 'before'
  /** The server gets the message up to the middle of `text`. */
  | 'half'
  /** The server has done what the message says, and its answer is lost. */
  | 'after answer';

/** A TCP proxy in front of PostgreSQL that loses connections at chosen messages. Close it in `afterAll`. */
export interface FaultProxy {
  readonly port: number;
  /**
   * Cuts the next connection that sends `text`; an empty one is in every message.
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
        client.destroy();
        // What is on its way to the server still arrives.
        if (upstream.writableEnded) return;
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (stalled) return;
      if (trap && chunk.includes(trap.text)) {
        const { text, point, answer } = trap;
        trap = undefined;
        if (point === 'before') return cut();
        if (point === 'half') {
          // Sent off before the end: a socket that is destroyed takes along what it has not sent.
          upstream.end(chunk.subarray(0, chunk.indexOf(text) + (text.length >> 1)));
          client.destroy();
          return;
        }
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
