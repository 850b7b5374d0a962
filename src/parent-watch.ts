/** No event tells that a parent has died; process.ppid is one system call. In milliseconds. */
const LOOK_EVERY_MS = 250;

/**
 * Resolves when the process that started this one is gone. A wrapper that is killed (npx, a shell) may leave its
 * client holding the pipes, so the end of stdin alone does not tell that nobody is in charge any more.
 */
export function parentGone(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve();
    }, LOOK_EVERY_MS);
    timer.unref();
  });
}
