import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clock, count } from '../format.ts';
import { segmentsOf, type Segment } from '../log/segments.ts';
import type { LogView } from '../state/log-view.ts';
import type { Preferences } from '../state/preferences.ts';
import { LogTools } from './log-tools.tsx';

/** Height of a row in CSS pixels; the style sheet has the same. */
const ROW = 18;
/** What a row has left and right of its text, in CSS pixels, and the width of its time, in columns; as the style sheet has it. */
const ROW_PADDING = 24;
const TIME_COLUMNS = 13;
/** Rows drawn beyond either edge, for a quick finger. */
const SPARE = 12;
/** How close to the end still counts as being there, in CSS pixels. */
const AT_END = 4;

/** Draws only the rows in sight: ten thousand lines scroll as easily as ten. */
export function LogPane({ view, preferences }: { view: LogView; preferences: Preferences }) {
  const scroller = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLSpanElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const lastTop = useRef(0);
  const wrap = preferences.wrap.value;
  const timestamps = preferences.timestamps.value;
  const revision = view.revision.value;
  const follow = view.follow.value;

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = (): void => {
      setHeight(element.clientHeight);
      const digit = (ruler.current?.getBoundingClientRect().width ?? 0) / 10;
      const gutter = timestamps ? TIME_COLUMNS : 0;
      view.columns.value =
        wrap && digit > 0
          ? Math.max(20, Math.floor((element.clientWidth - ROW_PADDING) / digit) - gutter)
          : undefined;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => {
      observer.disconnect();
    };
  }, [view, wrap, timestamps]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const target = view.target.peek();
    if (view.follow.peek()) element.scrollTop = element.scrollHeight;
    else if (target !== undefined) element.scrollTop = target * ROW - element.clientHeight / 2;
    // Rows that went at the top must not pull away what is being read. Where the log was is remembered: a shorter one has
    // moved the element already.
    else if (view.gone > 0) element.scrollTop = lastTop.current - view.gone * ROW;
    view.gone = 0;
    view.target.value = undefined;
    lastTop.current = element.scrollTop;
    setTop(element.scrollTop);
  }, [view, revision, follow, view.target.value]);

  const { rows } = view.rows;
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  const shown = rows.slice(first, Math.ceil((top + height) / ROW) + SPARE);
  const pattern = view.pattern.value;
  const looked = view.rows.matches[view.current.value];
  return (
    <section class="log" aria-label="Log">
      <LogTools view={view} preferences={preferences} revision={revision} />
      <div
        class="log-scroll"
        ref={scroller}
        tabIndex={0}
        onScroll={({ currentTarget: element }) => {
          const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - AT_END;
          // Only a person scrolls up.
          if (element.scrollTop < lastTop.current - 1 && !atEnd) view.follow.value = false;
          else if (atEnd) view.follow.value = true;
          lastTop.current = element.scrollTop;
          setTop(element.scrollTop);
        }}
      >
        <span class="ruler" ref={ruler} aria-hidden="true">
          0000000000
        </span>
        <div class="log-body" style={{ height: `${rows.length * ROW}px` }}>
          <div style={{ transform: `translateY(${first * ROW}px)` }}>
            {shown.map(({ line: index, from }) => {
              const line = view.store.lines[index];
              if (line === undefined) return null;
              const to = Math.min(line.text.length, from + (view.columns.value ?? Infinity));
              return (
                <div
                  key={`${index + view.store.dropped}:${from}`}
                  class={`row of-${line.kind} ${index === looked ? 'is-looked-at' : ''}`}
                >
                  {timestamps && <time>{from === 0 && line.kind !== 'mark' ? clock(line.at) : ''}</time>}
                  <span>{segmentsOf(line, from, to, pattern).map(piece)}</span>
                </div>
              );
            })}
          </div>
        </div>
        {rows.length === 0 && (
          <p class="empty">{view.store.lines.length === 0 ? 'No output yet.' : 'No line fits.'}</p>
        )}
      </div>
      {!follow && (
        <button
          class="to-end"
          title="Follow (G)"
          onClick={() => {
            view.follow.value = true;
          }}
        >
          ↓ follow
        </button>
      )}
      {view.store.dropped > 0 && (
        <p class="dropped">{count(view.store.dropped, 'earlier line')} not held by this page</p>
      )}
    </section>
  );
}

function piece({ text, style, hit, href }: Segment, key: number) {
  const { fg, bg, inverse, bold, dim, italic, underline, strike } = style;
  const [front, back] = inverse ? [bg ?? 'inverse', fg ?? 'inverse'] : [fg, bg];
  const names = [
    ...[
      typeof front !== 'string' && front !== undefined
        ? `fg-${front}`
        : front === 'inverse'
          ? 'fg-inverse'
          : '',
    ],
    ...[
      typeof back !== 'string' && back !== undefined ? `bg-${back}` : back === 'inverse' ? 'bg-inverse' : '',
    ],
    ...[
      bold && 'bold',
      dim && 'dim',
      italic && 'italic',
      underline && 'underline',
      strike && 'strike',
      hit && 'hit',
    ],
  ].filter(Boolean);
  const props = {
    key,
    ...(names.length > 0 && { class: names.join(' ') }),
    style: {
      ...(typeof front === 'string' && front !== 'inverse' && { color: front }),
      ...(typeof back === 'string' && back !== 'inverse' && { background: back }),
    },
  };
  if (href === undefined) return <span {...props}>{text}</span>;
  return (
    <a {...props} href={href} target="_blank" rel="noreferrer">
      {text}
    </a>
  );
}
