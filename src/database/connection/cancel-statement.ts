import { connect } from 'node:net';
import type { Client } from 'pg';

/** Number of a CancelRequest message (PostgreSQL protocol, "Canceling Requests in Progress"). */
const CANCEL_REQUEST = 80877102;
const MAX_WAIT_MS = 5_000;

/**
 * Asks the server to cancel what a connection runs. The request travels on a connection of its own, is not answered,
 * and needs no TLS: it carries nothing but the key that the server gave out. Never throws; nothing waits for it.
 */
export function cancelStatement(client: Client): void {
  const { host, port, processID, secretKey } = client as Client & {
    processID: number | null;
    secretKey: number | null;
  };
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  // A server that cannot be reached has nothing to cancel, or will notice by itself.
  socket.on('error', () => undefined);
  socket.setTimeout(MAX_WAIT_MS, () => socket.destroy());
  socket.unref();
  socket.on('connect', () => socket.end(message));
}
