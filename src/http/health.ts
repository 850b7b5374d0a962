const NAME = 'proctor';

/** Says that a Proctor is here, and nothing else: it answers everybody who reaches the port. */
// eslint-disable-next-line @typescript-eslint/require-await
export async function health(): Promise<Response> {
  return Response.json({ name: NAME, status: 'ok' });
}

/** Whether that is what somebody answers. */
export function isHealth(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'name' in answer && answer.name === NAME;
}
