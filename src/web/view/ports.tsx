/** Ports as links to what most often is behind them: a web server on the machine that serves this page. */
export function Ports({ ports }: { ports: readonly number[] }) {
  return (
    <>
      {ports.map((port) => (
        <a
          key={port}
          class="port"
          href={`http://${location.hostname}:${port}/`}
          target="_blank"
          rel="noreferrer"
          onClick={(event) => {
            event.stopPropagation();
          }}
        >
          :{port}
        </a>
      ))}
    </>
  );
}
