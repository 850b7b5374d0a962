import type { Tool } from './define-tool.ts';
import { getOutput } from './get-output.ts';
import { killProcess } from './kill-process.ts';
import { listProcesses } from './list-processes.ts';
import { removeProcess } from './remove-process.ts';
import { restartProcess } from './restart-process.ts';
import { runBackground } from './run-background.ts';
import { sendStdin } from './send-stdin.ts';
import { waitForExit } from './wait-for-exit.ts';
import { waitForLog } from './wait-for-log.ts';
import { waitForPort } from './wait-for-port.ts';

/** Every tool, in the order in which clients see them: the life of a process. */
export const TOOLS: readonly Tool[] = [
  runBackground,
  listProcesses,
  getOutput,
  waitForLog,
  waitForPort,
  waitForExit,
  sendStdin,
  killProcess,
  restartProcess,
  removeProcess,
];
