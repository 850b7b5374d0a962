import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../state/app.ts';
import { OutputFeed } from '../state/output-feed.ts';
import { isLive } from '../state/store.ts';
import type { Emulator } from '../terminal/emulator.ts';
import type { Process } from '../wire.ts';
import { TerminalInput } from '../terminal/input.ts';

/** The terminal of a process, typed into directly. Its size follows the pane's. */
export function TerminalPane({ app, process }: { app: App; process: Process }) {
  const place = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  const live = isLive(process);
  const { id } = process;
  const theme = app.preferences.theme.value;
  const emulator = useRef<Emulator | undefined>(undefined);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const ends: (() => void)[] = [];
    let closed = false;
    const open = async (): Promise<void> => {
      const { Emulator } = await import('../terminal/emulator.ts');
      if (closed) return;
      const input = new TerminalInput((request) => app.store.api.send(id, request));
      const terminal = new Emulator(element, {
        onInput: (text) => {
          input.type(text);
        },
        onResize: (size) => {
          input.resize(size);
        },
      });
      emulator.current = terminal;
      const feed = new OutputFeed(app.store, id, terminal);
      ends.push(
        () => {
          feed.close();
        },
        () => {
          terminal.close();
        },
      );
      terminal.setLive(isLive(app.store.find(id) ?? process));
    };
    open().catch(() => {
      setFailed(true);
    });
    return () => {
      closed = true;
      emulator.current = undefined;
      for (const end of ends) end();
    };
  }, [id]);
  useEffect(() => {
    emulator.current?.setLive(live);
  }, [live]);
  useEffect(() => {
    emulator.current?.restyle();
  }, [theme]);
  return (
    <section class="terminal" aria-label="Terminal">
      <div class="terminal-place" ref={place} />
      {failed && <p class="empty">The terminal could not be loaded. Reload the page to try again.</p>}
      <p class="terminal-foot">
        {live ? 'Keys go to the process. Shift+Escape leaves the terminal.' : 'The process has ended.'}
      </p>
    </section>
  );
}
