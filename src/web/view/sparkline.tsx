const WIDTH = 72;
const HEIGHT = 14;

/** Processor time over the last two minutes, the tallest sample filling the height. */
export function Sparkline({ samples }: { samples: readonly number[] }) {
  if (samples.length < 2) return null;
  const top = Math.max(10, ...samples);
  const step = WIDTH / 59;
  const first = WIDTH - (samples.length - 1) * step;
  const points = samples.map((value, index) => {
    const y = HEIGHT - 1 - (value / top) * (HEIGHT - 2);
    return `${(first + index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}
