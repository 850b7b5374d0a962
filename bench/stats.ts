/** The value at a quantile (0–1) by the nearest-rank method: always one that was really measured. */
export function percentile(samples: readonly number[], quantile: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(quantile * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** Median of the ratios pair by pair: what slows the machine for a while slows both halves of a pair. */
export function pairedRatio(ours: readonly number[], baseline: readonly number[]): number {
  return median(ours.map((value, i) => value / (baseline[i] ?? NaN)));
}

/** Runs the two alternately, and begins with the other one every second time, so that neither is always first. */
export async function interleave<A, B>(
  rounds: number,
  ours: () => Promise<A>,
  baseline: () => Promise<B>,
): Promise<{ ours: A[]; baseline: B[] }> {
  const result: { ours: A[]; baseline: B[] } = { ours: [], baseline: [] };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) result.ours.push(await ours());
    result.baseline.push(await baseline());
    if (round % 2 === 1) result.ours.push(await ours());
  }
  return result;
}
