import { inOneWrite, type PooledClient } from '../connections';

type Callback = (error: unknown, result?: unknown) => void;

/** How Sequelize calls `pg`: text, values where there are any, and a callback. */
type Call =
  readonly [text: string, callback: Callback] | readonly [text: string, values: unknown[], callback: Callback];

/**
 * The connection of a unit of work, lent to Sequelize for one statement. Sequelize sends some ticks after it was lent,
 * and others may have acted meanwhile: who acts is looked up at the moment of sending, and said in the same packet.
 * @param beforehand What must go ahead of the statement. Throws where nothing may be sent any more.
 * @param answerWithinMs How long the answer may take; default: what the connection was opened with.
 */
export function lend(
  client: PooledClient,
  beforehand: () => readonly string[],
  answerWithinMs: number | undefined,
): PooledClient {
  const query = (...call: Call): void => {
    const [text] = call;
    const callback = call.at(-1) as Callback;
    const before = beforehand();
    const limit = answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs };
    const config = { text, ...(call.length === 3 ? { values: call[1] } : {}), ...limit };
    inOneWrite(client, () => {
      // A setting that is refused ends the transaction, and the statement behind it is refused for that.
      for (const setting of before) client.query({ text: setting, ...limit }).catch(() => undefined);
      client.query(config, callback as never);
    });
  };
  return new Proxy(client, {
    get: (target, key) => (key === 'query' ? query : (Reflect.get(target, key) as unknown)),
  });
}
