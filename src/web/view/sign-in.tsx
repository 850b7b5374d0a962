import { useState } from 'preact/hooks';
import type { App } from '../state/app.ts';

export function SignIn({ app: { session, store } }: { app: App }) {
  const [draft, setDraft] = useState('');
  const [busy, setBusy] = useState(false);
  const refused = session.token.value !== '' && !busy;
  const enter = async (): Promise<void> => {
    session.enter(draft);
    setBusy(true);
    await store.refresh().catch(() => undefined);
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1 class="wordmark">proctor</h1>
        <p>
          This server asks for its token. It is in the file <code>token</code> of the server's state
          directory, whose path it printed when it started; <code>proctor open</code> brings it along by
          itself.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          autofocus
          required
          value={draft}
          onInput={(event) => {
            setDraft(event.currentTarget.value);
          }}
        />
        {refused && (
          <p class="refused" role="alert">
            The server does not accept this token.
          </p>
        )}
        <button class="primary" disabled={busy || draft.trim() === ''}>
          Open
        </button>
      </form>
    </main>
  );
}
