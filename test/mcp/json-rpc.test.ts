import { describe, expect, it } from 'vitest';
import { readMessages, refuseTooLong } from '../../src/mcp/json-rpc.ts';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const BIG = 'x'.repeat(900);

/** The id and the code of the refusal, or what else is made of it. */
function refused(line: string): unknown[] {
  return readMessages(line).map((received) =>
    'refusal' in received ? [received.refusal.id, received.refusal.error.code] : received,
  );
}

describe('a line', () => {
  it('is a message, or a batch of them', () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
    expect(readMessages(JSON.stringify(PING))).toEqual([{ message: PING }]);
    expect(readMessages(`  ${JSON.stringify([PING, notification])}\r`)).toEqual([
      { message: PING },
      { message: notification },
    ]);
    expect(readMessages(' \r')).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['no JSON', [null, -32700]],
    ['{"jsonrpc":"2.0"', [null, -32700]],
    ['5', [null, -32600]],
    ['null', [null, -32600]],
    ['{"foo":"bar"}', [null, -32600]],
    ['{"jsonrpc":"2.0","id":9}', [9, -32600]],
    ['{"jsonrpc":"2.0","id":"a","method":5}', ['a', -32600]],
    ['{"jsonrpc":"2.0","id":7,"method":"tools/list","params":[1]}', [7, -32600]],
    ['{"jsonrpc":"2.0","id":7,"method":"tools/list","params":"x"}', [7, -32600]],
    ['{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', [1.5, -32600]],
    ['{"jsonrpc":"2.0","id":null,"method":"tools/list"}', [null, -32600]],
    ['{"jsonrpc":"1.0","id":3,"method":"tools/list"}', [3, -32600]],
    ['[]', [null, -32600]],
    [`[${'1,'.repeat(100)}1]`, [null, -32600]],
  ])('that is wrong is refused: %s', (line, refusal) => {
    expect(refused(line)).toEqual([refusal]);
  });

  it('refuses only what is wrong in a batch', () => {
    expect(refused(`[${JSON.stringify(PING)},5]`)).toEqual([{ message: PING }, [null, -32600]]);
  });

  it.each(['{"jsonrpc":"2.0","method":"x","params":[1]}', '{"jsonrpc":"2.0","id":{},"result":1}'])(
    'that needs no answer gets none: %s',
    (line) => {
      expect(readMessages(line)).toEqual([{ ignored: expect.any(String) }]);
    },
  );
});

describe('the id of a message that is too long', () => {
  const params = { name: 'send_stdin', arguments: { id: 'inner', text: BIG, more: { id: 6 } } };

  it.each<[string, object, unknown]>([
    ['first', { jsonrpc: '2.0', id: 5, method: 'tools/call', params }, 5],
    ['first of all', { id: 'a-1', jsonrpc: '2.0', method: 'tools/call', params }, 'a-1'],
    ['last, as the SDK writes it', { method: 'tools/call', params, jsonrpc: '2.0', id: 0 }, 0],
    ['before the others', { params, id: 5, jsonrpc: '2.0', method: 'tools/call' }, 5],
    ['nowhere', { jsonrpc: '2.0', method: 'tools/call', params }, null],
    ['nowhere, with one inside at the end', { method: 'x', params: { text: BIG, id: 5 } }, null],
    ['nowhere, with one inside at the begin', { method: 'x', params: { id: 5, text: BIG } }, null],
    ['of a form that none has', { jsonrpc: '2.0', id: { a: 1 }, method: 'x', params }, null],
  ])('is found: %s', (_, message, id) => {
    const line = JSON.stringify(message);
    expect(refuseTooLong(line.slice(0, 300), line.slice(-300), 1)).toMatchObject({
      id,
      error: { code: -32600 },
    });
  });
});
