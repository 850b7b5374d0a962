import { bytes, count, duration, percent } from '../format.ts';
import type { App } from '../state/app.ts';
import { isLive } from '../state/store.ts';
import type { Process } from '../wire.ts';
import { InputBar } from './input-bar.tsx';
import { LogPane } from './log-pane.tsx';
import { Ports } from './ports.tsx';
import { Sparkline } from './sparkline.tsx';
import { Glyph, statusText } from './status.tsx';
import { TerminalPane } from './terminal-pane.tsx';

export function Detail({ app }: { app: App }) {
  const { store, log, tab, hasTerminal } = app;
  const process = store.selected.value;
  if (process === undefined) {
    return (
      <main class="detail is-empty">
        <p>
          Choose a process to see its output. <kbd>j</kbd> <kbd>k</kbd> go through the list, <kbd>?</kbd>{' '}
          shows every key.
        </p>
      </main>
    );
  }
  const terminal = hasTerminal.value === true && tab.value === 'terminal';
  return (
    <main class="detail">
      <Heading app={app} process={process} />
      {hasTerminal.value === true && (
        <div class="tabs" role="tablist">
          {(['terminal', 'log'] as const).map((name) => (
            <button
              key={name}
              role="tab"
              aria-selected={tab.value === name}
              title={name === 'log' ? 'Log (l)' : 'Terminal (t)'}
              onClick={() => {
                tab.value = name;
              }}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      {terminal ? (
        <TerminalPane key={process.id} app={app} process={process} />
      ) : (
        log.value !== undefined && <LogPane key={process.id} view={log.value} preferences={app.preferences} />
      )}
      {!terminal && isLive(process) && <InputBar key={process.id} app={app} process={process} />}
    </main>
  );
}

function Heading({ app, process }: { app: App; process: Process }) {
  const { store } = app;
  const { id, run, command, pid, client, cwd, ports, descendants = [] } = process;
  const live = isLive(process);
  const up = live ? store.now.value - Date.parse(process.started_at) : process.uptime_ms;
  return (
    <div class="heading">
      <div class="heading-line">
        <button
          class="quiet back"
          aria-label="Back to the list"
          onClick={() => {
            store.selectedId.value = undefined;
          }}
        >
          ‹
        </button>
        <Glyph process={process} />
        <h2>{id}</h2>
        <span class="status-text">{statusText(process)}</span>
        <span class="spring" />
        <Actions app={app} process={process} live={live} />
      </div>
      <p class="command" title={cwd}>
        <span>{command}</span>
      </p>
      <dl class="facts">
        {ports.length > 0 && (
          <Fact name="ports">
            <Ports ports={ports} />
          </Fact>
        )}
        <Fact name={live ? 'up' : 'ran'}>{duration(up)}</Fact>
        {live && (
          <Fact name="cpu">
            {percent(process.cpu_percent)} <Sparkline samples={store.history.cpuSamples(id)} />
          </Fact>
        )}
        {live && <Fact name="memory">{bytes(process.memory_bytes)}</Fact>}
        <Fact name="output" minor>
          {bytes(process.output.bytes)}, {count(process.output.lines, 'line')}
        </Fact>
        <Fact name="run" minor>
          {run}
        </Fact>
        {pid !== null && (
          <Fact name="pid" minor>
            {pid}
          </Fact>
        )}
        <Fact name="started by">{client ?? 'no client named'}</Fact>
        <Fact name="in" minor>
          {cwd}
        </Fact>
        {descendants.length > 0 && (
          <Fact name="tree">
            <span title={descendants.map((member) => `${member.pid} ${member.command}`).join('\n')}>
              {count(descendants.length, 'descendant')}
            </span>
          </Fact>
        )}
      </dl>
    </div>
  );
}

interface FactProps {
  name: string;
  children: preact.ComponentChildren;
  /** Left out where there is little room. */
  minor?: boolean;
}

function Fact({ name, children, minor = false }: FactProps) {
  return (
    <div class={minor ? 'minor' : ''}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Actions({ app, process, live }: { app: App; process: Process; live: boolean }) {
  return (
    <span class="actions">
      <button
        title="Restart (r)"
        onClick={() => {
          void app.restart(process.id);
        }}
      >
        Restart
      </button>
      {live ? (
        <button
          class="danger"
          title="Stop (s)"
          onClick={() => {
            app.dialog.value = 'stop';
          }}
        >
          Stop…
        </button>
      ) : (
        <button
          title="Remove (x)"
          onClick={() => {
            app.dialog.value = 'remove';
          }}
        >
          Remove…
        </button>
      )}
    </span>
  );
}
