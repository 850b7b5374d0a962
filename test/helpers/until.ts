/** Looks every 10 ms until the probe gives something true, and returns it. Throws, naming what was awaited. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 5000,
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await probe();
    if (seen) return seen as Exclude<T, false | undefined | null | 0 | ''>;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
