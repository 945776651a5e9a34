import { Client } from 'pg';
import type { DatabaseOptions } from '../../database.options';
import { isServerAnswer } from '../error-mapper';
import { loginConfig } from '../verify-connection';

/**
 * One connection that only asks a server how it stands. Not of the pool: a probe must not wait behind what it judges.
 * After a failure the next question connects anew.
 */
export class ProbeClient {
  private connecting?: Promise<Client>;
  private client?: Client;
  private closed = false;
  private cluster?: string;

  /** @param limitMs How long connecting, or an answer, may take. */
  constructor(
    private readonly options: DatabaseOptions,
    private readonly limitMs: number,
  ) {}

  /** Identity of the server's cluster, which its replicas share; undefined before an answer, and where the login may not ask. */
  get identity(): string | undefined {
    return this.cluster;
  }

  /** The first row of the answer. @throws What `pg` throws; the connection is then given up. */
  async ask<R extends object>(text: string): Promise<R> {
    try {
      const client = await (this.connecting ??= this.connect());
      const { rows } = await client.query<R>(text);
      return rows[0]!;
    } catch (error) {
      if (!isServerAnswer(error)) this.drop();
      throw error;
    }
  }

  /** Ends the connection without waiting. Later questions are refused. */
  close(): void {
    this.closed = true;
    this.drop();
  }

  private drop(): void {
    this.connecting = undefined;
    this.client?.connection.stream.destroy();
    this.client = undefined;
  }

  private async connect(): Promise<Client> {
    if (this.closed) throw new Error('The probe is closed');
    const client = new Client({
      ...loginConfig(this.options),
      connectionTimeoutMillis: this.limitMs,
      query_timeout: this.limitMs,
    });
    this.client = client;
    client.on('error', () => this.drop());
    await client.connect();
    this.cluster = await identityOf(client);
    return client;
  }
}

async function identityOf(client: Client): Promise<string | undefined> {
  try {
    const { rows } = await client.query<{ id: string }>(
      'SELECT system_identifier::text AS id FROM pg_control_system()',
    );
    return rows[0]!.id;
  } catch (error) {
    // A managed server may keep it to itself.
    if (isServerAnswer(error)) return undefined;
    throw error;
  }
}
