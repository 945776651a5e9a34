import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds. @throws Error after 20 s, which names what was waited for. */
export async function waitUntil(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited 20 s in vain until ${what}`);
    await sleep(20);
  }
}
