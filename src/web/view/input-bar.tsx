import { useRef, useState } from 'preact/hooks';
import type { InputRequest } from '../api.ts';
import type { App } from '../state/app.ts';
import type { Process } from '../wire.ts';

/** Lines sent before, to go back to with the arrow keys. */
const MAX_HISTORY = 100;

export function InputBar({ app: { store }, process }: { app: App; process: Process }) {
  const [draft, setDraft] = useState('');
  const history = useRef<string[]>([]);
  const [back, setBack] = useState(0);
  const { id, awaiting_input } = process;
  const send = (input: InputRequest): Promise<boolean> => store.act(() => store.api.send(id, input));
  const recall = (steps: number): void => {
    const next = Math.max(0, Math.min(history.current.length, back + steps));
    setBack(next);
    setDraft(next === 0 ? '' : (history.current.at(-next) ?? ''));
  };
  const submit = async (): Promise<void> => {
    if (!(await send({ text: draft, newline: true }))) return;
    if (draft !== '') history.current = [...history.current, draft].slice(-MAX_HISTORY);
    setDraft('');
    setBack(0);
  };
  return (
    <form
      class={`input-bar ${awaiting_input ? 'is-awaited' : ''}`}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label for="stdin">{awaiting_input ? 'waits for input' : 'stdin'}</label>
      <input
        id="stdin"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        title="Send input (i)"
        value={draft}
        onInput={(event) => {
          setDraft(event.currentTarget.value);
        }}
        onKeyDown={({ key }) => {
          if (key === 'ArrowUp') recall(1);
          if (key === 'ArrowDown') recall(-1);
        }}
      />
      <button>Send</button>
      <button type="button" class="quiet" title="Close stdin" onClick={() => void send({ eof: true })}>
        EOF
      </button>
    </form>
  );
}
