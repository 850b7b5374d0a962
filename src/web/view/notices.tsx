import type { Store } from '../state/store.ts';

export function Notices({ store }: { store: Store }) {
  return (
    <div class="notices" role="status">
      {store.notices.value.map(({ key, text }) => (
        <p key={key} class="notice">
          <span>{text}</span>
          <button
            class="quiet"
            aria-label="Dismiss"
            onClick={() => {
              store.dismiss(key);
            }}
          >
            ×
          </button>
        </p>
      ))}
    </div>
  );
}
