import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENTS, fixtures, useServer } from '../helpers/start-server.ts';

describe.each(CLIENTS)('send_stdin, client %s', (client) => {
  const server = useServer({ client });

  it.each([
    ['bash', [], 'echo $((6*7))', '42', 'x=5', 'echo got-$x', 'got-5'],
    ['node', ['-i'], '6*7', '42', 'let x = 5', '`got-${x}`', 'got-5'],
    ['python3', ['-i', '-q'], '6*7', '42', 'x = 5', 'f"got-{x}"', 'got-5'],
  ])('drives a %s session, one call a turn', async (program, args, sum, answer, set, get, got) => {
    const { id, status } = await server().run(program, { args });
    expect(status).toBe('running');
    const first = await server().ok('send_stdin', {
      id,
      text: sum,
      wait_for: { log: answer, timeout_ms: 8000 },
    });
    expect(first).toMatchObject({ outcome: 'matched', status: 'running' });
    expect(first.output).toContain(answer);
    expect(first.accepted_bytes).toBe(sum.length + 1);
    await server().ok('send_stdin', { id, text: set, wait_for: { idle_ms: 100, timeout_ms: 8000 } });
    const turn = await server().ok('send_stdin', { id, text: get, wait_for: { log: got, timeout_ms: 8000 } });
    expect(turn.output).toContain(got);
    // The reply is what followed the input, no more.
    expect(turn.output).not.toContain('42');
    const bye = await server().ok('send_stdin', { id, eof: true });
    expect(bye.eof).toBe(true);
    expect(await server().exited(id)).toMatchObject({ status: 'completed', exit_code: 0 });
  });

  it('answers a prompt: wait, reply, read', async () => {
    const { id } = await server().run(join(fixtures, 'prompt-no-newline.sh'), { args: [] });
    const prompt = await server().ok('wait_for_log', { id, pattern: 'Name: $' });
    expect(prompt.outcome).toBe('matched');
    const answer = await server().call('send_stdin', { id, text: 'Ada', wait_for: { log: 'Hello, \\w+' } });
    expect(answer.structured).toMatchObject({
      outcome: 'matched',
      output: expect.stringContaining('Hello, Ada') as string,
    });
    expect(answer.text).toContain('Hello, Ada');
  });
});

describe('send_stdin', () => {
  const server = useServer();

  it('sends the text as it is, with a newline unless it has one or none is wanted', async () => {
    const { id } = await server().run(`od -An -c -v | tr -s ' '`);
    const sent = async (args: Record<string, unknown>): Promise<number> =>
      (await server().ok('send_stdin', { id, ...args })).accepted_bytes;
    expect(await sent({ text: 'a' })).toBe(2);
    expect(await sent({ text: 'b\n' })).toBe(2);
    expect(await sent({ text: 'c', newline: false })).toBe(1);
    expect(await sent({ text: '' })).toBe(1);
    expect(await sent({ text: 'é\t\u0003', newline: false, eof: true })).toBe(4);
    const end = await server().exited(id);
    expect(end.tail.replace(/\s+/g, ' ').trim()).toBe('a \\n b \\n c \\n 303 251 \\t 003');
  });

  it('ends the reply at silence when no pattern is given', async () => {
    const { id } = await server().run(
      'while read -r line; do echo "1 $line"; sleep 0.1; echo "2 $line"; done',
    );
    const turn = await server().ok('send_stdin', { id, text: 'x', wait_for: { idle_ms: 400 } });
    expect(turn).toMatchObject({ outcome: 'idle' });
    expect(turn.output?.trim()).toBe('1 x\n2 x');
    const next = await server().ok('send_stdin', { id, text: 'y', wait_for: {} });
    expect(next.output?.trim()).toBe('1 y\n2 y');
    expect(next.cursor).toBe(16);
  });

  it('ends the reply at the exit or the time-out', async () => {
    const { id } = await server().run('read -r a; read -r b; echo bye; exit 5');
    const wait_for = { log: 'never', timeout_ms: 200 };
    expect(await server().ok('send_stdin', { id, text: 'a', wait_for })).toMatchObject({
      outcome: 'timeout',
    });
    const last = await server().ok('send_stdin', {
      id,
      text: 'b',
      wait_for: { ...wait_for, timeout_ms: 5000 },
    });
    expect(last).toMatchObject({ outcome: 'exited', status: 'failed', exit_code: 5 });
    expect(last.output).toContain('bye');
  });

  it('refuses what has ended, and a stdin that is closed', async () => {
    const ended = await server().run('exit 0');
    await server().exited(ended.id);
    expect(await server().call('send_stdin', { id: ended.id, text: 'x' })).toBeRefused('PROCESS_EXITED');
    const closed = await server().run('sleep 300', { stdin: 'closed' });
    expect(await server().call('send_stdin', { id: closed.id, text: 'x' })).toBeRefused('STDIN_CLOSED');
    const after = await server().run('cat > /dev/null; sleep 300');
    await server().ok('send_stdin', { id: after.id, text: 'last', eof: true });
    expect(await server().call('send_stdin', { id: after.id, text: 'x' })).toBeRefused('STDIN_CLOSED');
    const gone = await server().run('exec <&-; echo shut; sleep 300');
    await server().ok('wait_for_log', { id: gone.id, pattern: 'shut' });
    expect(await server().call('send_stdin', { id: gone.id, text: 'x' })).toBeRefused('STDIN_CLOSED');
  });

  it('says how much a full pipe took, and takes the rest later', async () => {
    const { id } = await server().run('sleep 300');
    const text = 'x'.repeat(900_000);
    const answer = await server().call('send_stdin', { id, text });
    expect(answer.isError, answer.text).toBe(false);
    const { accepted_bytes, total_bytes } = answer.structured as {
      accepted_bytes: number;
      total_bytes: number;
    };
    expect(total_bytes).toBe(900_001);
    expect(accepted_bytes).toBeLessThan(900_001);
    expect(accepted_bytes).toBeGreaterThan(0);
    expect(answer.text).toMatch(/full/);
    const reader = await server().run('cat | wc -c');
    await server().ok('send_stdin', { id: reader.id, text, eof: true });
    expect((await server().exited(reader.id)).tail.trim()).toBe('900001');
  });

  it('refuses keys where there is no terminal', async () => {
    const { id } = await server().run('cat');
    expect(await server().call('send_stdin', { id, keys: ['ctrl-c'] })).toBeRefused(
      'INVALID_ARGUMENT',
      /pty|terminal/i,
    );
    expect(await server().call('send_stdin', { id })).toBeRefused('INVALID_ARGUMENT', /text/);
  });
});
