/** Says that a Proctor is here, and nothing else: it answers everybody who reaches the port. */
// eslint-disable-next-line @typescript-eslint/require-await
export async function health(): Promise<Response> {
  return Response.json({ name: 'proctor', status: 'ok' });
}
