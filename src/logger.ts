/** Diagnostics for people. Everything goes to stderr: stdout carries the protocol. */
export interface Logger {
  info(message: string): void;
  debug(message: string): void;
  error(message: string, error?: unknown): void;
}

export function createLogger(level: 'silent' | 'info' | 'debug', stream: NodeJS.WritableStream): Logger {
  const write = (message: string): void => {
    if (stream.writable) stream.write(`proctor: ${message}\n`);
  };
  return {
    info: (message) => {
      if (level !== 'silent') write(message);
    },
    debug: (message) => {
      if (level === 'debug') write(message);
    },
    error: (message, error) => {
      if (level === 'silent') return;
      write(error instanceof Error ? `${message}: ${error.stack ?? error.message}` : message);
    },
  };
}
