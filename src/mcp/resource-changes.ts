import type { ProcessService } from '../core/service.ts';
import { urisOf } from './resources.ts';

/** What tells of changes: the service itself, or the feed of one elsewhere. */
export type EventSource = Pick<ProcessService, 'subscribe'>;

/** Where changes are told: one client's connection, or everybody who listens. */
export interface ChangeListener {
  updated(uri: string): void;
  listChanged(): void;
}

/** Changes within this time are told once, at its end: at most four messages a second for each URI. */
const COALESCE_MS = 250;

/**
 * Tells of resources that changed until the returned function is called. A flooding process costs one timer, not one
 * message for each chunk it prints.
 */
export function watchResources(events: EventSource, listener: ChangeListener): () => void {
  const changed = new Set<string>();
  let listChanged = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    timer = undefined;
    const uris = [...changed];
    changed.clear();
    if (listChanged) listener.listChanged();
    listChanged = false;
    for (const uri of uris) listener.updated(uri);
  };
  const unsubscribe = events.subscribe((event) => {
    const { status, output } = urisOf(event.id);
    changed.add(status).add(output);
    // What could not be started is kept as well, and no start is told of it.
    const failedStart = event.type === 'exited' && event.status === 'error';
    if (event.type === 'started' || event.type === 'removed' || failedStart) listChanged = true;
    timer ??= setTimeout(flush, COALESCE_MS).unref();
  });
  return () => {
    unsubscribe();
    clearTimeout(timer);
  };
}
