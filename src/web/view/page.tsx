import { useEffect } from 'preact/hooks';
import type { App } from '../state/app.ts';
import { Dialogs } from './dialogs.tsx';
import { Detail } from './detail.tsx';
import { Notices } from './notices.tsx';
import { ProcessList } from './process-list.tsx';
import { SignIn } from './sign-in.tsx';
import { Timeline } from './timeline.tsx';
import { TopBar } from './top-bar.tsx';

export function Page({ app }: { app: App }) {
  const { store, preferences } = app;
  const phase = store.phase.value;
  const selected = store.selected.value;
  const live = store.processes.value.filter(({ status }) => status === 'running').length;
  useEffect(() => {
    document.title = selected === undefined ? `Proctor · ${live} running` : `${selected.id} · Proctor`;
  }, [selected?.id, live]);
  if (phase === 'locked') return <SignIn app={app} />;
  return (
    <div class={`page ${selected === undefined ? 'at-list' : 'at-detail'}`}>
      <TopBar app={app} />
      {phase === 'offline' && (
        <p class="offline" role="alert">
          <b>The server does not answer.</b> What is shown is how it was; the page goes on by itself.
        </p>
      )}
      {store.warning.value !== undefined && <p class="warning">{store.warning.value}</p>}
      <div class="panes">
        <ProcessList app={app} />
        <Detail app={app} />
      </div>
      {preferences.timeline.value && <Timeline app={app} />}
      <Dialogs app={app} />
      <Notices store={store} />
    </div>
  );
}
