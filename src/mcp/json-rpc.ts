/** A JSON-RPC error that answers a whole HTTP request, in the form the transports give theirs. */
export function rpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });
}
