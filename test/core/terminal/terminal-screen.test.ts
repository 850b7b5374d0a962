import { describe, expect, it } from 'vitest';
import { OutputBuffer } from '../../../src/core/output/output-buffer.ts';
import { Terminal } from '../../../src/core/terminal/terminal.ts';

function terminal(cols = 20, rows = 5, ringBytes = 65_536) {
  const buffer = new OutputBuffer(ringBytes);
  buffer.beginRun(1);
  const screen = new Terminal({ cols, rows }, buffer);
  const print = (text: string): void => {
    const bytes = Buffer.from(text);
    buffer.append('stdout', bytes);
    screen.observe(bytes);
  };
  return { buffer, print, screen };
}

describe('screen', () => {
  it('is what a person sees: text, cursor, size, title', async () => {
    const { print, screen } = terminal();
    print('\x1b]0;A title\x07one\r\ntwo \x1b[31mred\x1b[0m   \r\n\x1b[2;1HTWO\x1b[5;3H');
    expect(await screen.screen()).toEqual({
      rows: ['one', 'TWO red'],
      size: { cols: 20, rows: 5 },
      cursor: { row: 5, col: 3 },
      title: 'A title',
      missingBytes: 0,
      to: 53,
    });
  });

  it('scrolls, wraps and goes on with what is printed after a look', async () => {
    const { print, screen } = terminal(10, 3);
    print('1\r\n2\r\n');
    expect((await screen.screen()).rows).toEqual(['1', '2']);
    print('3\r\nabcdefghijklm');
    expect(await screen.screen()).toMatchObject({
      rows: ['3', 'abcdefghij', 'klm'],
      cursor: { row: 3, col: 4 },
    });
  });

  it('has an alternate form, which leaves the first as it was', async () => {
    const { print, screen } = terminal();
    print('shell$ \x1b[?1049h\x1b[Hfull');
    expect((await screen.screen()).rows).toEqual(['full']);
    expect(screen.modes.alternateScreen).toBe(true);
    print('\x1b[?1049l');
    expect((await screen.screen()).rows).toEqual(['shell$']);
    expect(screen.modes.alternateScreen).toBe(false);
  });

  it('changes its size where the output was when it changed', async () => {
    const { print, screen } = terminal(10, 3);
    print('0123456789ABC\r\n');
    screen.resized({ cols: 20, rows: 4 });
    print('0123456789ABC\x1b[4;20H');
    expect(await screen.screen()).toMatchObject({
      size: { cols: 20, rows: 4 },
      cursor: { row: 4, col: 20 },
      rows: expect.arrayContaining(['0123456789ABC']) as string[],
    });
    screen.resized({ cols: 30, rows: 4 });
    expect((await screen.screen()).size).toEqual({ cols: 30, rows: 4 });
  });

  it('says what is missing when its beginning was evicted, and needs it no more once it has been looked at', async () => {
    const late = terminal(20, 5, 4096);
    late.print('\x1b[Hheading');
    late.print('\x1b[3;1H' + 'x\b'.repeat(5000));
    expect(await late.screen.screen()).toMatchObject({ missingBytes: late.buffer.start });

    const early = terminal(20, 5, 4096);
    early.print('\x1b[Hheading\x1b[3;1H');
    await early.screen.screen();
    for (let part = 0; part < 10; part++) {
      early.print('x\b'.repeat(1000));
      await early.screen.screen();
    }
    expect(early.buffer.start).toBeGreaterThan(10_000);
    expect(await early.screen.screen()).toMatchObject({ missingBytes: 0, rows: ['heading', '', 'x'] });
  });

  it('begins with its own run', async () => {
    const { buffer, print } = terminal();
    print('of run 1');
    buffer.beginRun(2);
    const second = new Terminal({ cols: 20, rows: 5 }, buffer);
    buffer.append('stdout', Buffer.from('of run 2'));
    expect((await second.screen()).rows).toEqual(['of run 2']);
  });

  it('answers several who ask at once alike', async () => {
    const { print, screen } = terminal();
    print('x'.repeat(50_000));
    const all = await Promise.all([screen.screen(), screen.screen(), screen.screen()]);
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
  });
});
