import { render } from 'preact';
import { Api } from './api.ts';
import { handleKey } from './keys.ts';
import { App } from './state/app.ts';
import { Preferences } from './state/preferences.ts';
import { Session } from './state/session.ts';
import { Store } from './state/store.ts';
import { Page } from './view/page.tsx';

function main(root: HTMLElement): void {
  const session = new Session(sessionStorage, location, history);
  const store = new Store(new Api(() => session.token.value));
  const app = new App(store, session, new Preferences(localStorage, document.documentElement));
  document.addEventListener('keydown', (event) => {
    handleKey(app, event);
  });
  render(<Page app={app} />, root);
  store.start();
}

const root = document.getElementById('app');
if (root !== null) main(root);
