import { describe, expect, it } from 'vitest';
import { TerminalModes } from '../../../src/core/terminal/terminal-modes.ts';
import { TypedEcho } from '../../../src/core/terminal/typed-echo.ts';
import { pipedText, typedText } from '../../../src/core/terminal/typed-text.ts';

const plain = { applicationCursor: false, bracketedPaste: false, alternateScreen: false };
const pasting = { ...plain, bracketedPaste: true };

describe('text for a pipe', () => {
  it('gets one newline at its end, or none', () => {
    expect(pipedText('a', true)).toBe('a\n');
    expect(pipedText('a\n', true)).toBe('a\n');
    expect(pipedText('', true)).toBe('\n');
    expect(pipedText('a', false)).toBe('a');
  });
});

describe('text for a terminal', () => {
  it('ends its lines by the Enter key', () => {
    expect(typedText('a', true, plain)).toBe('a\r');
    expect(typedText('a\n', true, plain)).toBe('a\r');
    expect(typedText('a\r\nb', true, plain)).toBe('a\rb\r');
    expect(typedText('', true, plain)).toBe('\r');
    expect(typedText('a', false, plain)).toBe('a');
  });

  it('is marked as pasted when it is long or has several lines, and the program asked for that', () => {
    expect(typedText('a\nb', true, pasting)).toBe('\x1b[200~a\rb\x1b[201~\r');
    expect(typedText('a\nb', false, pasting)).toBe('\x1b[200~a\rb\x1b[201~');
    expect(typedText('a', true, pasting)).toBe('a\r');
    expect(typedText('x'.repeat(300), true, pasting)).toBe(`\x1b[200~${'x'.repeat(300)}\x1b[201~\r`);
    expect(typedText('a\nb', true, plain)).toBe('a\rb\r');
  });

  it('cannot break out of the paste', () => {
    expect(typedText('a\n\x1b[201~rm', true, pasting)).toBe('\x1b[200~a\rrm\x1b[201~\r');
  });
});

describe('modes', () => {
  const after = (...chunks: string[]) => {
    const modes = new TerminalModes();
    for (const chunk of chunks) modes.push(Buffer.from(chunk));
    return modes.current;
  };

  it('are followed in the output, wherever it is cut', () => {
    const text = 'a\x1b[31mb\x1b[?1;2004h\x1b[?1049hc\x1b[?2004l';
    for (let cut = 0; cut <= text.length; cut++) {
      expect(after(text.slice(0, cut), text.slice(cut))).toEqual({
        applicationCursor: true,
        bracketedPaste: false,
        alternateScreen: true,
      });
    }
    expect(after(...text.split(/(?=)/))).toMatchObject({ applicationCursor: true, alternateScreen: true });
  });

  it('go back to the beginning with a full reset', () => {
    expect(after('\x1b[?1049h\x1b[?1h', '\x1bc')).toEqual(plain);
  });
});

describe('echo', () => {
  const reply = (text: string, typed: string, prompt = '>>> '): string =>
    TypedEcho.remove(text, typed, prompt);

  it('is taken off the beginning of a reply', () => {
    expect(reply('6*7\n42\n>>> ', '6*7')).toBe('42\n>>> ');
    expect(reply('>>> 6*7\n42\n>>> ', '6*7')).toBe('42\n>>> ');
    expect(reply('\n>>> ', '')).toBe('>>> ');
  });

  it('of several lines has the prompts between them', () => {
    expect(reply('def f():\n...   return 1\n... \n>>> ', 'def f():\n  return 1\n\n')).toBe('>>> ');
  });

  it('may be drawn twice by an editor that marks what is pasted', () => {
    const twice = 'for i in 1; do\necho $i\ndone      for i in 1; do\necho $i\ndone\n1\n$ ';
    expect(reply(twice, 'for i in 1; do\necho $i\ndone', '$ ')).toBe('1\n$ ');
    expect(reply('echo x0 x1echo x0 x1 x2\nx0 x1 x2\n$ ', 'echo x0 x1 x2', '$ ')).toBe('x0 x1 x2\n$ ');
  });

  it('is nothing that answers', () => {
    expect(reply('101\n>>> ', '1')).toBe('101\n>>> ');
    expect(reply('Hello, Ada\n', 'Ada', 'Name: ')).toBe('Hello, Ada\n');
    expect(reply('x\nx\n', 'x')).toBe('x\n');
  });

  it('may be unfinished', () => {
    const echo = new TypedEcho('echo done', '$ ');
    expect(echo.take('ec', false)).toBe(true);
    expect(echo.take('echo done', false)).toBe(true);
    expect(echo.take('echo done', true)).toBe(true);
    expect(echo.take('done', true)).toBe(false);
    expect(echo.take('echo done', true)).toBe(false);
  });
});
