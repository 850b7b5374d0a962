import { FitAddon } from '@xterm/addon-fit';
import { Terminal, type ITheme } from '@xterm/xterm';
import type { OutputSink } from '../state/output-feed.ts';
import type { OutputEvent } from '../wire.ts';
import type { Size } from './input.ts';
import { redirectInlineStyles } from './inline-styles.ts';

export interface EmulatorEvents {
  onInput: (text: string) => void;
  onResize: (size: Size) => void;
}

/** A pane that is dragged asks for its last size only, in milliseconds. */
const SETTLE_MS = 120;

/** Loaded with the first terminal that is looked at: it is most of the page's script. */
export class Emulator implements OutputSink {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #place: HTMLElement;
  readonly #observer: ResizeObserver;
  readonly #events: EmulatorEvents;
  #live = false;
  #sent = '';
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(place: HTMLElement, events: EmulatorEvents) {
    this.#place = place;
    this.#events = events;
    redirectInlineStyles(document);
    this.#terminal = new Terminal({
      allowProposedApi: false,
      cursorBlink: true,
      fontFamily: getComputedStyle(place).fontFamily,
      fontSize: 13,
      lineHeight: 1.15,
      scrollback: 10_000,
      theme: themeOf(place),
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.open(place);
    silenceAnswers(this.#terminal);
    this.#terminal.onData((text) => {
      if (this.#live) events.onInput(text);
    });
    this.#terminal.attachCustomKeyEventHandler((event) => {
      if (event.key !== 'Escape' || !event.shiftKey) return true;
      this.#terminal.blur();
      return false;
    });
    this.#observer = new ResizeObserver(() => {
      this.#fitSoon();
    });
    this.#observer.observe(place);
  }

  /** Only a live process is typed into and resized. */
  setLive(live: boolean): void {
    if (live && !this.#live) this.#terminal.focus();
    this.#live = live;
    this.#sent = '';
    this.#terminal.options.cursorBlink = live;
    this.#fitSoon();
  }

  /** Takes the colours the page has now. */
  restyle(): void {
    this.#terminal.options.theme = themeOf(this.#place);
  }

  close(): void {
    clearTimeout(this.#settling);
    this.#observer.disconnect();
    this.#terminal.dispose();
  }

  output({ bytes }: OutputEvent): void {
    this.#terminal.write(bytes);
  }

  gap(): void {
    // What is missing may have switched modes that nothing switches back.
    this.#terminal.reset();
  }

  run(): void {
    this.#terminal.reset();
  }

  exit(): void {
    // A full-screen program that was killed leaves its modes behind: the keys of the page must work again.
    this.#terminal.write('\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?25h');
  }

  reset(): void {
    this.#terminal.reset();
  }

  #fitSoon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#fit.fit();
      const { cols, rows } = this.#terminal;
      const key = `${cols}x${rows}`;
      if (!this.#live || key === this.#sent) return;
      this.#sent = key;
      this.#events.onResize({ cols, rows });
    }, SETTLE_MS);
  }
}

/** The server answers what a program asks its terminal. A second answer, or one to old output, would be typed into it. */
function silenceAnswers({ parser }: Terminal): void {
  const taken = (): boolean => true;
  for (const id of [
    { final: 'c' },
    { prefix: '>', final: 'c' },
    { prefix: '=', final: 'c' },
    { final: 'n' },
    { prefix: '?', final: 'n' },
    { prefix: '>', final: 'q' },
    { intermediates: '$', final: 'p' },
    { prefix: '?', intermediates: '$', final: 'p' },
  ])
    parser.registerCsiHandler(id, taken);
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, taken);
  for (const code of [4, 10, 11, 12]) parser.registerOscHandler(code, (data) => data.includes('?'));
}

/** The style sheet's colours, so that terminal and log agree. */
function themeOf(place: HTMLElement): ITheme {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const [background, foreground] = [colour('term-bg'), colour('term-ink')];
  return {
    ...{ background, foreground, cursor: foreground, cursorAccent: background },
    selectionBackground: colour('term-selection'),
    ...{ black: colour('c0'), red: colour('c1'), green: colour('c2'), yellow: colour('c3') },
    ...{ blue: colour('c4'), magenta: colour('c5'), cyan: colour('c6'), white: colour('c7') },
    ...{ brightBlack: colour('c8'), brightRed: colour('c9'), brightGreen: colour('c10') },
    ...{ brightYellow: colour('c11'), brightBlue: colour('c12'), brightMagenta: colour('c13') },
    ...{ brightCyan: colour('c14'), brightWhite: colour('c15') },
  };
}
