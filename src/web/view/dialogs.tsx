import { useEffect, useRef, useState } from 'preact/hooks';
import { SHORTCUTS } from '../keys.ts';
import type { App } from '../state/app.ts';
import { isLive } from '../state/store.ts';

export function Dialogs({ app }: { app: App }) {
  const process = app.store.selected.value;
  switch (app.dialog.value) {
    case 'start':
      return <StartDialog app={app} />;
    case 'help':
      return <HelpDialog app={app} />;
    case 'stop':
      return process === undefined ? null : <StopDialog app={app} id={process.id} />;
    case 'remove':
      return process === undefined || isLive(process) ? null : <RemoveDialog app={app} id={process.id} />;
    case undefined:
      return null;
  }
}

interface FrameProps {
  app: App;
  title: string;
  children: preact.ComponentChildren;
  onSubmit?: () => void;
}

function Frame({ app, title, children, onSubmit }: FrameProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      aria-label={title}
      onClose={() => {
        app.dialog.value = undefined;
      }}
      onClick={(event) => {
        // The dialog itself is hit only beside its content.
        if (event.target === element.current) element.current?.close();
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <h2>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}

function Buttons({ app, verb, danger = false }: { app: App; verb: string; danger?: boolean }) {
  return (
    <p class="buttons">
      <button
        type="button"
        class="quiet"
        onClick={() => {
          app.dialog.value = undefined;
        }}
      >
        Cancel
      </button>
      <button class={danger ? 'danger solid' : 'primary'}>{verb}</button>
    </p>
  );
}

function StartDialog({ app }: { app: App }) {
  const { store } = app;
  const command = useRef<HTMLInputElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const cwd = useRef<HTMLInputElement>(null);
  const pty = useRef<HTMLInputElement>(null);
  useEffect(() => {
    command.current?.focus();
  }, []);
  const start = async (): Promise<void> => {
    const text = (field: HTMLInputElement | null): string => field?.value.trim() ?? '';
    const request = {
      command: command.current?.value ?? '',
      ...(text(name.current) !== '' && { name: text(name.current) }),
      ...(text(cwd.current) !== '' && { cwd: text(cwd.current) }),
      ...(pty.current?.checked === true && { pty: true }),
    };
    let id = '';
    const done = await store.act(async () => {
      id = await store.api.start(request);
    });
    if (!done) return;
    app.dialog.value = undefined;
    store.selectedId.value = id;
  };
  return (
    <Frame app={app} title="Start a process" onSubmit={() => void start()}>
      <label for="start-command">Command</label>
      <input
        id="start-command"
        class="mono"
        ref={command}
        required
        autocomplete="off"
        spellcheck={false}
        placeholder="npm run dev"
      />
      <div class="two">
        <div>
          <label for="start-name">Name</label>
          <input
            id="start-name"
            class="mono"
            ref={name}
            autocomplete="off"
            spellcheck={false}
            placeholder="the program's"
          />
        </div>
        <div>
          <label for="start-cwd">Directory</label>
          <input
            id="start-cwd"
            class="mono"
            ref={cwd}
            autocomplete="off"
            spellcheck={false}
            placeholder="the server's"
          />
        </div>
      </div>
      <label class="check">
        <input id="start-pty" type="checkbox" ref={pty} /> in a terminal, to be typed into directly
      </label>
      <Buttons app={app} verb="Start" />
    </Frame>
  );
}

const SIGNALS: readonly (readonly [string, string])[] = [
  ['SIGTERM', 'ends the whole tree, with SIGKILL after 5 s'],
  ['SIGINT', 'the same, as Ctrl+C'],
  ['SIGKILL', 'ends the whole tree at once'],
  ['SIGHUP', 'is only delivered; many programs read their settings again'],
  ['SIGUSR1', 'is only delivered'],
];

function StopDialog({ app, id }: { app: App; id: string }) {
  const { store } = app;
  const [signal, setSignal] = useState('SIGTERM');
  const stop = (): void => {
    app.dialog.value = undefined;
    void store.act(() => store.api.kill(id, signal));
  };
  return (
    <Frame app={app} title={`Stop ${id}?`} onSubmit={stop}>
      <div class="radios">
        {SIGNALS.map(([name, does]) => (
          <label key={name} class="check">
            <input
              type="radio"
              name="signal"
              value={name}
              checked={signal === name}
              onChange={() => {
                setSignal(name);
              }}
            />
            <b>{name}</b> <span>{does}</span>
          </label>
        ))}
      </div>
      <Buttons
        app={app}
        verb={signal === 'SIGHUP' || signal === 'SIGUSR1' ? `Send ${signal}` : 'Stop'}
        danger
      />
    </Frame>
  );
}

function RemoveDialog({ app, id }: { app: App; id: string }) {
  const { store } = app;
  const remove = (): void => {
    app.dialog.value = undefined;
    void store.act(() => store.api.remove(id));
  };
  return (
    <Frame app={app} title={`Remove ${id}?`} onSubmit={remove}>
      <p>Its record and its output are forgotten. Nothing runs that would end.</p>
      <Buttons app={app} verb="Remove" danger />
    </Frame>
  );
}

const NAMES: Readonly<Record<string, string>> = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc' };

function HelpDialog({ app }: { app: App }) {
  return (
    <Frame app={app} title="Keys">
      <dl class="keys">
        {SHORTCUTS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{NAMES[key] ?? key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="buttons">
        <button
          type="button"
          class="primary"
          onClick={() => {
            app.dialog.value = undefined;
          }}
        >
          Close
        </button>
      </p>
    </Frame>
  );
}
